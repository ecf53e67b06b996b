// The way to the daemon: gRPC-Web on the address the viewer came from.
// In: the token, where the daemon wants one. Out: clients of its services. Never: a stream (a browser has six
// connections per host, and other tabs want some), a token outside of this tab's session.

import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { Acquisitions } from "../gen/blinkd/v1/acquisitions_pb";
import { Models } from "../gen/blinkd/v1/models_pb";
import { Preview } from "../gen/blinkd/v1/preview_pb";
import { Scans } from "../gen/blinkd/v1/scans_pb";

const TOKEN = "blinkd.token";
/** For what a person does; questions that are asked again and again have shorter ones. */
const TIMEOUT_MS = 20_000;

export function keepToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

const authorize: Interceptor = (next) => (request) => {
  const token = sessionStorage.getItem(TOKEN);
  if (token) request.header.set("authorization", `Bearer ${token}`);
  return next(request);
};

export function connect(base_url: string) {
  const transport = createGrpcWebTransport({
    baseUrl: base_url,
    interceptors: [authorize],
    defaultTimeoutMs: TIMEOUT_MS,
  });
  return {
    acquisitions: createClient(Acquisitions, transport),
    preview: createClient(Preview, transport),
    scans: createClient(Scans, transport),
    models: createClient(Models, transport),
  };
}

export type Api = ReturnType<typeof connect>;

/** The daemon wants a token, or another one. */
export function wantsToken(error: unknown): boolean {
  return error instanceof ConnectError && error.code === Code.Unauthenticated;
}

/** Null where there is no such series, scan or picture: that is an answer, and no trouble. */
export async function orNothing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ConnectError && NOTHING.includes(error.code)) return null;
    throw error;
  }
}

const NOTHING: readonly Code[] = [Code.NotFound, Code.FailedPrecondition];

/** The daemon's own words. */
export function said(error: unknown): string {
  if (error instanceof ConnectError) return error.rawMessage;
  return error instanceof Error ? error.message : String(error);
}
