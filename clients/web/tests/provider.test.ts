import { expect, test } from "vitest";
import { failedAttempts } from "../src/health/provider";

test("a provider that was never built in has not failed", () => {
  const never = "CUDAExecutionProvider: CUDA execution provider is not enabled in this build.";
  const failed = "CUDAExecutionProvider: libcudnn.so.9 not found";
  expect(failedAttempts([never])).toEqual([]);
  expect(failedAttempts([never, failed])).toEqual([failed]);
});
