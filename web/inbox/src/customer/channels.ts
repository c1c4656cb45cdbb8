import { useQuery } from "@tanstack/react-query";
import { api } from "../api/calls";
import type { Channel } from "../api/types";

/** The channels of the shop; none until they are loaded. */
export function useChannels(): Channel[] {
  const query = useQuery({ queryKey: ["channels"], queryFn: async () => (await api.channels()).channels, staleTime: 5 * 60_000 });
  return query.data ?? [];
}
