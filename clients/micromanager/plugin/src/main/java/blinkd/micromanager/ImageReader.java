package blinkd.micromanager;

import blinkd.stream.FrameHeader;
import blinkd.stream.SeriesStart;
import java.awt.Rectangle;
import java.awt.geom.AffineTransform;
import java.time.ZoneId;
import org.micromanager.data.Image;
import org.micromanager.data.Metadata;

/**
 * What an image says of itself, in the stream's words.
 *
 * <p>In: an image of 8 or 16 bits. Out: headers; what the metadata does not say stays unsaid. Never: the pixels
 * themselves, a question to a device.
 */
final class ImageReader {
    private static final double NM_PER_UM = 1000.0;
    /** Of a pixel of the frame stream. */
    private static final int MOST_BITS = 16;

    private final Plan plan;
    private final ZoneId localZone;

    ImageReader(Plan plan, ZoneId localZone) {
        this.plan = plan;
        this.localZone = localZone;
    }

    static String camera(Metadata metadata) {
        String label = metadata.getCamera();
        return label == null ? "" : label;
    }

    /** What a series says of its camera, from its first image. */
    static void describe(SeriesStart start, Metadata metadata) {
        Double pixelUm = metadata.getPixelSizeUm();
        if (pixelUm != null && pixelUm > 0) {
            start.pixelSizeXNm = pixelUm * NM_PER_UM;
            start.pixelSizeYNm = pixelUm * NM_PER_UM;
        }
        start.exposureMs = orZero(metadata.getExposureMs());
        Integer bits = metadata.getBitDepth();
        start.bitDepth = bits == null || bits < 1 || bits > MOST_BITS ? 0 : bits;
        AffineTransform affine = metadata.getPixelSizeAffine();
        if (affine != null && affine.getDeterminant() != 0) {
            // Micro-Manager's order is by rows, Java's own by columns.
            start.affineUm = new double[] {
                affine.getScaleX(), affine.getShearX(), affine.getTranslateX(),
                affine.getShearY(), affine.getScaleY(), affine.getTranslateY()
            };
        }
    }

    /** {@code pixels} are the image's; asking for them may make a copy. */
    FrameHeader header(Image image, Object pixels, int position, long nowUnixNs) {
        Metadata metadata = image.getMetadata();
        FrameHeader header = new FrameHeader();
        header.widthPx = image.getWidth();
        header.heightPx = image.getHeight();
        header.pixelType = pixels instanceof byte[] ? FrameHeader.PixelType.U8 : FrameHeader.PixelType.U16;
        Rectangle roi = metadata.getROI();
        if (roi != null) {
            header.roiXPx = Math.max(roi.x, 0);
            header.roiYPx = Math.max(roi.y, 0);
        }
        Integer binning = metadata.getBinning();
        header.binning = binning == null || binning < 1 ? 1 : binning;
        header.camera = camera(metadata);
        header.exposureMs = orZero(metadata.getExposureMs());
        header.cameraImageNumber = metadata.getImageNumber();
        header.captureUnixNs = ReceivedTime.unixNs(metadata.getReceivedTime(), nowUnixNs, localZone);
        header.continuity = plan.isSampled(header.exposureMs)
                ? FrameHeader.Continuity.LIVE_SAMPLED
                : FrameHeader.Continuity.BURST;
        place(header, metadata, position);
        return header;
    }

    /** Where the stage was told to be, by the position list; else what Micro-Manager wrote with the image. */
    private void place(FrameHeader header, Metadata metadata, int position) {
        double[] listed = plan.grid.xyUm(position);
        header.stageXUm = listed == null ? metadata.getXPositionUm() : Double.valueOf(listed[0]);
        header.stageYUm = listed == null ? metadata.getYPositionUm() : Double.valueOf(listed[1]);
        // With the image before the list: in a stack each slice has its own focus.
        header.stageZUm = metadata.getZPositionUm() == null ? plan.grid.zUm(position) : metadata.getZPositionUm();
        if (header.stageXUm == null || header.stageYUm == null) {
            header.stageXUm = null;
            header.stageYUm = null;
            header.stageZUm = null;
            return;
        }
        header.positionSource =
                plan.planned ? FrameHeader.PositionSource.INTENDED : FrameHeader.PositionSource.MEASURED;
    }

    private static double orZero(Double value) {
        return value == null || value.isNaN() || value < 0 ? 0 : value;
    }
}
