package blinkd.stream;

/** When to try to connect again: at once, then after 0.1 s, doubling up to 2 s. Time is passed in. */
final class Backoff {
    static final long FIRST_MS = 100;
    static final long LONGEST_MS = 2000;

    private long waitMs = FIRST_MS;
    private long notBeforeMs = Long.MIN_VALUE;

    boolean isDue(long nowMs) {
        return nowMs >= notBeforeMs;
    }

    void failed(long nowMs) {
        notBeforeMs = nowMs + waitMs;
        waitMs = Math.min(2 * waitMs, LONGEST_MS);
    }

    void succeeded() {
        waitMs = FIRST_MS;
        notBeforeMs = Long.MIN_VALUE;
    }
}
