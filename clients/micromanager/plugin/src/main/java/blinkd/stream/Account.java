package blinkd.stream;

/** The running account of one series' frames; every method is called with the outbox's lock held. */
final class Account {
    private long captured;
    private long sent;
    private long waiting;
    private long dropped;

    void take() {
        captured++;
        waiting++;
    }

    void refuse() {
        captured++;
        dropped++;
    }

    void send() {
        waiting--;
        sent++;
    }

    void drop() {
        waiting--;
        dropped++;
    }

    Counts counts() {
        return new Counts(captured, sent, waiting, dropped);
    }
}
