// What computes, and whether something faster failed.
// In: what the daemon tried. Out: attempts that failed although they could have worked. Never: a judgement of speed.

/** ONNX Runtime's words for a provider that this build of it never has: nothing failed, there is none. */
const NOT_IN_THIS_BUILD = "is not enabled in this build";

/** A CPU-only ONNX Runtime on a machine without a GPU is no fall-back. */
export const failedAttempts = (attempts: readonly string[]): string[] =>
  attempts.filter((attempt) => !attempt.includes(NOT_IN_THIS_BUILD));
