package blinkd.stream;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for what can be seen, with a deadline. Never assumes that something takes some time. */
public final class Until {
    private static final long DEADLINE_MS = 20_000;
    private static final long LOOK_NS = 2_000_000;

    private Until() {}

    public static void holds(String what, BooleanSupplier look) {
        long endMs = Clock.SYSTEM.monotonicMs() + DEADLINE_MS;
        while (!look.getAsBoolean()) {
            if (Clock.SYSTEM.monotonicMs() > endMs) {
                throw new AssertionError("not within " + DEADLINE_MS + " ms: " + what);
            }
            LockSupport.parkNanos(LOOK_NS); // polled, against the deadline above
        }
    }
}
