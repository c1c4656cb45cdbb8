package doctor

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"parley/bot"
	"parley/dialogue"
	"parley/worker"
	"parley/workflows"
)

// Bounds of what is fine.
const (
	skewNoticed    = 2 * time.Second
	skewHarmful    = time.Minute
	shortRetention = 7 * 24 * time.Hour
	slowFirstWord  = 5 * time.Second
)

func database(ctx context.Context, in Installation, r *report) {
	var version string
	var now time.Time
	began := time.Now()
	if err := in.Pool.QueryRow(ctx, "SELECT current_setting('server_version'), clock_timestamp()").Scan(&version, &now); err != nil {
		r.fail("database", "check DATABASE_URL, and that Postgres runs and is reachable from here", "cannot connect: %v", err)
		return
	}
	took := time.Since(began)
	r.ok("database", "connected, Postgres %s, answers in %s", version, took.Round(time.Millisecond/10))

	switch behind, err := in.Schema.SchemaBehind(ctx); {
	case err != nil:
		r.fail("schema", "run `parley migrate`", "cannot be read: %v", err)
	case behind:
		r.fail("schema", "run `parley migrate`", "is older than this program")
	default:
		r.ok("schema", "is current")
	}

	skew := began.Add(took / 2).Sub(now).Abs()
	const mend = "set the clocks by NTP on this machine and on the database's"
	switch {
	case skew > skewHarmful:
		r.fail("clock", mend, "differs from the database's by %s", skew.Round(time.Second))
	case skew > skewNoticed:
		r.warn("clock", mend, "differs from the database's by %s", skew.Round(time.Second/10))
	default:
		r.ok("clock", "agrees with the database's")
	}
}

func engine(ctx context.Context, in Installation, r *report) {
	if in.Engine == nil {
		r.fail("temporal", "set TEMPORAL_ADDRESS, or start `parley up`", "no address is set")
		return
	}
	if _, err := in.Engine.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		r.fail("temporal", "check TEMPORAL_ADDRESS, and that Temporal runs; until then messages are taken and wait", "%s does not answer: %v", in.EngineAt, err)
		return
	}
	r.ok("temporal", "answers at %s", in.EngineAt)
	described, err := in.Engine.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: in.Namespace})
	if _, missing := errors.AsType[*serviceerror.NamespaceNotFound](err); missing {
		r.fail("namespace", "make it: temporal operator namespace create --retention 720h "+in.Namespace, "%q does not exist", in.Namespace)
		return
	}
	if err != nil {
		r.fail("namespace", "check that this program may read it", "%q cannot be read: %v", in.Namespace, err)
		return
	}
	retention := described.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration()
	if retention < shortRetention {
		r.warn("namespace", "temporal operator namespace update --retention 720h "+in.Namespace,
			"%q keeps ended workflows for %.0f h only: links from turns to the Temporal UI end then", in.Namespace, retention.Hours())
	} else {
		r.ok("namespace", "%q keeps ended workflows for %d days", in.Namespace, int(retention.Hours()/24))
	}
	workers(ctx, in, r)
}

// workers looks who takes work: the engine remembers those of the last five minutes.
func workers(ctx context.Context, in Installation, r *report) {
	queue, err := in.Engine.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: in.Namespace, TaskQueue: &taskqueue.TaskQueue{Name: workflows.TaskQueue}, TaskQueueType: enums.TASK_QUEUE_TYPE_WORKFLOW,
	})
	if err != nil {
		r.fail("workers", "check that this program may read the task queue", "cannot be counted: %v", err)
	}
	versions, err := worker.Versions(ctx, in.Engine)
	if err != nil {
		r.fail("workers", "check that this program may read worker deployments", "their versions cannot be read: %v", err)
		return
	}
	pollers := map[string]int{} // by version; without one: empty
	for _, p := range queue.GetPollers() {
		pollers[p.GetDeploymentOptions().GetBuildId()]++
	}
	if len(pollers) == 0 {
		r.fail("workers", "start one: parley worker", "there is none: the bot answers nobody, and nothing leaves for messengers")
		return
	}
	current, wrong := "", false
	for _, v := range versions {
		switch {
		case v.State == worker.VersionCurrent:
			current = v.BuildID
		case v.State == worker.VersionDraining && pollers[v.BuildID] == 0:
			wrong = true
			r.fail("workers", "start one with PARLEY_BUILD_ID="+v.BuildID+" until `parley versions list` says that it may end",
				"dialogues that began under version %s have no worker", v.BuildID)
		}
	}
	if pollers[current] == 0 {
		wrong = true
		if current == "" {
			r.fail("workers", "parley versions promote, with the version of those that run", "those that run have versions, and none of these is current")
		} else {
			r.fail("workers", "start one with PARLEY_BUILD_ID="+current, "the current version, %s, has none", current)
		}
	}
	if !wrong {
		r.ok("workers", "%d, of %d versions", len(queue.GetPollers()), max(len(versions), 1))
	}
}

func channels(ctx context.Context, in Installation, r *report) {
	list, err := in.Channels(ctx)
	if err != nil {
		r.fail("channels", "mend the database first", "cannot be listed: %v", err)
		return
	}
	if len(list) == 0 {
		r.warn("channels", "add one: parley channel add --help", "there is none: no customer can write")
	}
	sealed, opened := 0, 0
	for _, c := range list {
		what := "channel " + c.Slug
		if len(c.Secrets) > 0 {
			sealed++
			if err := in.Open(c); err != nil {
				r.fail(what, "set PARLEY_SECRET_KEY to the key that the secrets were stored with, or enter them again", "its secrets cannot be opened: %v", err)
				continue
			}
			opened++
		}
		switch {
		case c.DisabledAt != nil:
			r.warn(what, "parley channel enable "+c.Slug, "is switched off: it takes and sends nothing")
		default:
			if err := in.Check(ctx, c); err != nil {
				r.fail(what, "see what the provider says of the account; a new token: parley channel token "+c.Slug, "does not work: %s", dialogue.Told(err))
				continue
			}
			r.ok(what, "%s works", c.Kind)
		}
	}
	switch {
	case !in.SecretKey && sealed == 0:
		r.warn("secret key", "set PARLEY_SECRET_KEY before a channel with a token is added: openssl rand -base64 32", "none is set")
	case sealed > 0 && opened == sealed:
		r.ok("secret key", "opens the secrets of every channel that has any (%d)", sealed)
	case sealed == 0:
		r.ok("secret key", "is set; no channel has secrets yet")
	}
}

// alarms looks whether the bot's answers fail.
func alarms(ctx context.Context, in Installation, r *report) {
	all, err := in.Alarms(ctx)
	if err != nil {
		r.fail("alarms", "run `parley migrate`", "cannot be read: %v", err)
		return
	}
	open := 0
	for _, a := range all {
		if a.ClosedAt != nil {
			continue
		}
		open++
		r.fail("alarms", mendClass(bot.ErrorClass(a.Cause))+"; it ends by itself once the model answers, then replay: parley turns replay --cause "+a.Cause,
			"the bot's answers fail (%s) since %s: %d so far, %d customers wait for a human", a.Cause, a.OpenedAt.UTC().Format("2006-01-02 15:04 MST"), a.Count, a.Waiting)
	}
	if open == 0 {
		r.ok("alarms", "none is open")
	}
}

func model(ctx context.Context, in Installation, r *report) {
	if in.Model == nil {
		r.ok("model", "none is configured: the built-in responder answers from the knowledge base")
		return
	}
	p, err := in.Model.Probe(ctx)
	if err != nil {
		r.fail("model", mendModel(err), "%s at %s does not answer: %v", in.Model.Name(), in.ModelAt, err)
		return
	}
	r.ok("model", "%s at %s takes the key and answers, in %s", in.Model.Name(), in.ModelAt, p.Whole.Round(time.Millisecond))
	switch {
	case p.Pieces < 2:
		r.warn("streaming", "see whether a proxy before the model gathers its answers", "the answer comes in one piece: nobody sees the bot write")
	case p.FirstWord > slowFirstWord:
		r.warn("streaming", "choose a faster model or server", "the first word comes after %s: customers wait", p.FirstWord.Round(time.Millisecond))
	default:
		r.ok("streaming", "works; the first word comes after %s", p.FirstWord.Round(time.Millisecond))
	}
	if p.Usage {
		r.ok("usage", "the server counts tokens")
	} else {
		r.warn("usage", "costs and daily limits go by estimates that are on the high side", "the server does not count tokens")
	}
	switch {
	case p.CallsTool:
		r.ok("tools", "the model calls functions")
	case p.ToolError != nil:
		r.warn("tools", "choose a model that calls functions; until then the bot answers from the first search alone", "the server refuses them: %v", p.ToolError)
	default:
		r.warn("tools", "choose a model that calls functions; until then the bot answers mostly from the first search", "the model was asked to call a function and did not")
	}
}

func mendModel(err error) string {
	failed, ok := errors.AsType[*bot.Error](err)
	if !ok {
		return "check OPENAI_BASE_URL"
	}
	return mendClass(failed.Class)
}

// mendClass says how a class of failures is mended.
func mendClass(class bot.ErrorClass) string {
	switch class {
	case bot.ErrorBadKey:
		return "check OPENAI_API_KEY, and that its account is paid"
	case bot.ErrorRateLimited:
		return "wait, or raise the limits of the account"
	case bot.ErrorBadRequest:
		return "check OPENAI_MODEL and OPENAI_BASE_URL: it usually ends in /v1"
	case bot.ErrorTimeout:
		return "choose a faster model, or raise PARLEY_MODEL_TIMEOUT"
	case bot.ErrorMalformed:
		return "check that OPENAI_BASE_URL speaks the OpenAI chat API"
	case bot.ErrorContentFilter:
		return "look at the failed answers: the provider's filter stops what customers ask"
	case bot.CauseInternal:
		return "look at the workers' logs and at the failed answers"
	}
	return "check OPENAI_BASE_URL, and that the server runs and is reachable from here"
}
