package blinkd.micromanager;

import mmcorej.CMMCore;
import org.micromanager.Studio;

/**
 * What is asked of the running core. Never: an exception; a core that cannot answer says 0 and false.
 */
interface StudioCore {
    /** Images that wait in the core's circular buffer. */
    int remainingImages();

    /** The circular buffer was full, and the sequence ended there. */
    boolean overflowed();

    static StudioCore of(Studio studio) {
        return new StudioCore() {
            @Override
            public int remainingImages() {
                try {
                    CMMCore core = studio.core();
                    return core == null ? 0 : Math.max(core.getRemainingImageCount(), 0);
                } catch (Exception | LinkageError silent) {
                    return 0;
                }
            }

            @Override
            public boolean overflowed() {
                try {
                    CMMCore core = studio.core();
                    return core != null && core.isBufferOverflowed();
                } catch (Exception | LinkageError silent) {
                    return false;
                }
            }
        };
    }
}
