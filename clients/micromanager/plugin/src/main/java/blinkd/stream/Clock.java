package blinkd.stream;

/** The two clocks that the stream reads; a test brings its own. */
public interface Clock {
    Clock SYSTEM = new Clock() {
        @Override
        public long monotonicMs() {
            return System.nanoTime() / 1_000_000;
        }

        @Override
        public long unixNs() {
            java.time.Instant now = java.time.Instant.now();
            return now.getEpochSecond() * 1_000_000_000L + now.getNano();
        }
    };

    /** For durations: never jumps. */
    long monotonicMs();

    /** UTC, for what is sent. */
    long unixNs();
}
