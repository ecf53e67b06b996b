package blinkd.stream;

/** An account of frames as one instant saw it: {@code captured == sent + waiting + dropped}, always. */
public final class Counts {
    public static final Counts NONE = new Counts(0, 0, 0, 0);

    /** Offered, that is, numbers given away. */
    public final long captured;
    /** Handed to the network. The last before a broken connection may be missing at the daemon, which counts them. */
    public final long sent;
    /** In the bounded queue. */
    public final long waiting;
    /** Found no room, could not be encoded, or no daemon came until the end. */
    public final long dropped;

    public Counts(long captured, long sent, long waiting, long dropped) {
        this.captured = captured;
        this.sent = sent;
        this.waiting = waiting;
        this.dropped = dropped;
    }

    @Override
    public String toString() {
        return captured + " captured, " + sent + " sent, " + waiting + " waiting, " + dropped + " dropped";
    }
}
