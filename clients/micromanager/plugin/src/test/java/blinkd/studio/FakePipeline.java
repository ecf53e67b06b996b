package blinkd.studio;

import java.util.concurrent.atomic.AtomicLong;
import org.micromanager.data.Image;
import org.micromanager.data.ProcessorContext;
import org.micromanager.data.SummaryMetadata;

/** Where a processor passes its images on to: counts them. */
public final class FakePipeline implements ProcessorContext {
    public final AtomicLong passed = new AtomicLong();
    public volatile Image last;

    @Override
    public void outputImage(Image image) {
        last = image;
        passed.incrementAndGet();
    }

    @Override
    public SummaryMetadata getSummaryMetadata() {
        return null;
    }
}
