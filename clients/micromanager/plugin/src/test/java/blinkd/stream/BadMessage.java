package blinkd.stream;

/** A message that a receiver refuses, by the name of its counter. */
final class BadMessage extends RuntimeException {
    BadMessage(String counter) {
        super(counter);
    }
}
