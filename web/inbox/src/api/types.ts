// The words of the API, as the rest of the program uses them.
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Dialogue = Schemas["Dialogue"];
export type DialogueDetail = Schemas["DialogueDetail"];
export type Message = Schemas["Message"];
export type Attachment = Schemas["Attachment"];
export type MessageState = Message["state"];
export type MessageAndDialogue = Schemas["MessageAndDialogue"];
export type TimelineEvent = Schemas["TimelineEvent"];
export type Author = Schemas["Author"];
export type Mode = Schemas["Mode"];
export type Status = Schemas["Status"];
export type HandoffReason = Schemas["HandoffReason"];
export type Operator = Schemas["Operator"];
export type OperatorRef = Schemas["OperatorRef"];
export type Channel = Schemas["Channel"];
export type ChannelDetails = Schemas["ChannelDetails"];
export type Typing = Schemas["Typing"];
export type TurnProgress = Schemas["TurnProgress"];
export type Presence = Schemas["Presence"];
export type Turn = Schemas["Turn"];
export type TurnDetail = Schemas["TurnDetail"];
export type ListedTurn = Schemas["ListedTurn"];
export type Replay = Schemas["Replay"];
export type Replayed = Schemas["Replayed"];
export type ReplayBatch = Schemas["ReplayBatch"];
export type Tried = Schemas["Tried"];
export type Suggestion = Schemas["Suggestion"];
export type Source = Schemas["Source"];
export type Problem = Schemas["Problem"];
export type ProblemCode = Problem["code"];
export type DeadLetter = Schemas["DeadLetter"];
export type Alarm = Schemas["Alarm"];
export type AuditEntry = Schemas["AuditEntry"];
