package blinkd.studio;

import java.awt.Rectangle;
import java.awt.geom.AffineTransform;
import java.util.Random;
import org.micromanager.data.Coords;
import org.micromanager.data.Image;
import org.micromanager.data.Metadata;

/** An image with its metadata, as a camera of 10 ms exposures and 108 nm pixels makes it; fields are for changing. */
public final class FakeImage implements Image, Metadata {
    public final FakeCoords coords = new FakeCoords();
    public Object pixels;
    public int width;
    public int height;
    public int components = 1;
    public String camera = "Camera";
    public Long imageNumber;
    public String receivedTime;
    public Double exposureMs = 10.0;
    public Double pixelSizeUm = 0.108;
    public AffineTransform affine = new AffineTransform(0.108, 0.0, 0.0, -0.108, 0.0, 0.0);
    public Double xUm;
    public Double yUm;
    public Double zUm;
    public Integer binning = 1;
    public Integer bitDepth;
    public Rectangle roi;

    public FakeImage(Object pixels, int width, int height) {
        this.pixels = pixels;
        this.width = width;
        this.height = height;
    }

    /** 16 bits, dim noise; the same for the same generator. */
    public static FakeImage noise(Random random, int side) {
        short[] pixels = new short[side * side];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (short) (100 + random.nextInt(50));
        }
        return new FakeImage(pixels, side, side);
    }

    public FakeImage at(String axis, int index) {
        coords.set(axis, index);
        return this;
    }

    @Override
    public Metadata getMetadata() {
        return this;
    }

    @Override
    public Coords getCoords() {
        return coords;
    }

    @Override
    public int getWidth() {
        return width;
    }

    @Override
    public int getHeight() {
        return height;
    }

    @Override
    public int getNumComponents() {
        return components;
    }

    @Override
    public Object getRawPixels() {
        return pixels;
    }

    @Override
    public Double getExposureMs() {
        return exposureMs;
    }

    @Override
    public Double getPixelSizeUm() {
        return pixelSizeUm;
    }

    @Override
    public AffineTransform getPixelSizeAffine() {
        return affine;
    }

    @Override
    public Double getXPositionUm() {
        return xUm;
    }

    @Override
    public Double getYPositionUm() {
        return yUm;
    }

    @Override
    public Double getZPositionUm() {
        return zUm;
    }

    @Override
    public Integer getBinning() {
        return binning;
    }

    @Override
    public Integer getBitDepth() {
        return bitDepth;
    }

    @Override
    public Long getImageNumber() {
        return imageNumber;
    }

    @Override
    public Rectangle getROI() {
        return roi;
    }

    @Override
    public String getCamera() {
        return camera;
    }

    @Override
    public String getReceivedTime() {
        return receivedTime;
    }
}
