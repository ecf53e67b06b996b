package blinkd.stream;

/** Why a series ended; in the order of the proto's numbers. */
public enum EndReason {
    UNSPECIFIED,
    COMPLETED,
    ABORTED,
    ERROR,
    OVERFLOW
}
