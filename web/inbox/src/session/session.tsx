// Who is logged in. A 401 from anywhere leads to the login page, and back afterwards.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect } from "react";
import { api } from "../api/calls";
import { onUnauthorized, ProblemError } from "../api/client";
import type { Operator } from "../api/types";
import { navigate, returnPath } from "../router";

const sessionKey = ["session"];
const OperatorContext = createContext<Operator | null>(null);

/** The logged-in operator. */
export function useMe(): Operator {
  const operator = useContext(OperatorContext);
  if (!operator) throw new Error("useMe outside of a session");
  return operator;
}

export interface SessionState {
  operator: Operator | null;
  loading: boolean;
  /** The session could not be asked for. */
  error: Error | null;
  retry(): void;
}

export function useSession(): SessionState {
  const client = useQueryClient();
  const query = useQuery({
    queryKey: sessionKey,
    queryFn: async () => {
      try {
        return (await api.session()).operator;
      } catch (error) {
        if (error instanceof ProblemError && error.code === "unauthorized") return null;
        throw error;
      }
    },
    staleTime: Infinity,
    retry: 2,
  });
  useEffect(() => onUnauthorized(() => client.setQueryData(sessionKey, null)), [client]);
  return { operator: query.data ?? null, loading: query.isPending, error: query.error, retry: () => void query.refetch() };
}

export function useLogin(): (email: string, password: string) => Promise<void> {
  const client = useQueryClient();
  return async (email, password) => {
    const { operator } = await api.login(email, password);
    client.setQueryData(sessionKey, operator);
    navigate(returnPath(window.location.search), { replace: true });
  };
}

export function useLogout(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await api.logout().catch(() => undefined);
    client.clear();
    client.setQueryData(sessionKey, null);
    navigate("/login", { replace: true });
  };
}

export function SessionProvider({ operator, children }: { operator: Operator; children: ReactNode }) {
  return <OperatorContext.Provider value={operator}>{children}</OperatorContext.Provider>;
}
