package blinkd.stream;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The bounded queue between the acquisition and the sender thread, with the accounts of frames.
 *
 * <p>In: frames and control messages, never with a wait. Out: the head, to one sender thread. Full: the newest frame is
 * dropped and counted. Never: a socket, a copy of pixels.
 */
public final class Outbox {
    /** Control messages that may wait besides the frames; one more is refused and counted. */
    static final int CONTROLS_MAX = 256;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<Item> items = new ArrayDeque<>();
    private final Account total = new Account();
    private final long bytesMax;
    private int framesMax;
    private int frames;
    private long bytes;
    private long controlsLost;
    private boolean closed;

    /** At most {@code framesMax} frames and {@code bytesMax} bytes of pixels wait; one frame always fits. */
    public Outbox(int framesMax, long bytesMax) {
        this.framesMax = framesMax;
        this.bytesMax = bytesMax;
    }

    /** Another limit from now on; what waits stays. */
    void limit(int newFramesMax) {
        locked(() -> framesMax = newFramesMax);
    }

    /** Takes a frame, or drops and counts it. Returns at once. */
    boolean offer(Item item) {
        lock.lock();
        try {
            boolean fits = frames == 0 || bytes + item.pixelBytes <= bytesMax;
            if (closed || frames >= framesMax || !fits) {
                item.account.refuse();
                total.refuse();
                return false;
            }
            item.account.take();
            total.take();
            items.add(item);
            frames++;
            bytes += item.pixelBytes;
            changed.signalAll();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Takes a control message, or refuses and counts it. Returns at once. */
    boolean control(Item item) {
        lock.lock();
        try {
            if (closed || items.size() - frames >= CONTROLS_MAX) {
                controlsLost++;
                return false;
            }
            items.add(item);
            changed.signalAll();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** The next message, which stays the head until it is sent or given up; null: nothing came in time. */
    Item head(long timeoutMs) throws InterruptedException {
        lock.lock();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(timeoutMs);
            while (items.isEmpty() && !closed && left > 0) {
                left = changed.awaitNanos(left);
            }
            return items.peek();
        } finally {
            lock.unlock();
        }
    }

    /** Waits so long, or until something changes. */
    void pause(long timeoutMs) throws InterruptedException {
        lock.lock();
        try {
            // Whatever woke it, the caller looks again.
            if (changed.await(timeoutMs, TimeUnit.MILLISECONDS)) {
                return;
            }
        } finally {
            lock.unlock();
        }
    }

    /** The head was handed to the network. */
    void sent(Item item) {
        take(item, false);
    }

    /** The head could not be sent in time, or not at all. */
    void giveUp(Item item) {
        take(item, true);
    }

    /** Takes nothing from now on; what waits may still be sent. */
    public void close() {
        locked(() -> closed = true);
    }

    boolean isClosed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    /** Drops and counts what waits. */
    void discard() {
        locked(() -> {
            while (!items.isEmpty()) {
                remove(items.peek(), true);
            }
        });
    }

    /** Of all series so far. */
    public Counts counts() {
        return counts(total);
    }

    /** Of one series. */
    Counts counts(Account account) {
        lock.lock();
        try {
            return account.counts();
        } finally {
            lock.unlock();
        }
    }

    /** Control messages that found no room or no daemon in time. */
    public long controlsLost() {
        lock.lock();
        try {
            return controlsLost;
        } finally {
            lock.unlock();
        }
    }

    private void take(Item item, boolean lost) {
        locked(() -> {
            if (items.peek() == item) { // else discarded meanwhile, and counted there
                remove(item, lost);
            }
        });
    }

    private void remove(Item item, boolean lost) {
        items.remove();
        if (item.isFrame()) {
            frames--;
            bytes -= item.pixelBytes;
            if (lost) {
                item.account.drop();
                total.drop();
            } else {
                item.account.send();
                total.send();
            }
        } else if (lost) {
            controlsLost++;
        }
        item.afterwards.run();
    }

    private void locked(Runnable change) {
        lock.lock();
        try {
            change.run();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
