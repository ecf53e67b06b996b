package blinkd.stream;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Protobuf's wire format, as far as the frame stream needs it.
 *
 * <p>In: field numbers and values, in ascending order. Out: bytes. Never: a field that has proto3's default value,
 * unless it is {@code optional} there and given here.
 */
final class ProtoWriter {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED32 = 5;

    private byte[] bytes = new byte[256];
    private int length;

    byte[] toBytes() {
        return Arrays.copyOf(bytes, length);
    }

    /** uint32, uint64, int64, an enumeration or a bool; 0 is left out. */
    ProtoWriter number(int field, long value) {
        return value == 0 ? this : optionalNumber(field, value);
    }

    /** The same as {@code optional}: only null is left out. */
    ProtoWriter optionalNumber(int field, Long value) {
        if (value != null) {
            tag(field, VARINT);
            varint(value);
        }
        return this;
    }

    ProtoWriter flag(int field, boolean value) {
        return number(field, value ? 1 : 0);
    }

    /** fixed64; 0 is left out. */
    ProtoWriter fixed64(int field, long value) {
        if (value != 0) {
            tag(field, FIXED64);
            little(value, 8);
        }
        return this;
    }

    /** optional fixed32; null is left out. */
    ProtoWriter optionalFixed32(int field, Integer value) {
        if (value != null) {
            tag(field, FIXED32);
            little(value, 4);
        }
        return this;
    }

    /** double; 0 is left out, but -0 is not, as protobuf has it. */
    ProtoWriter real(int field, double value) {
        return Double.doubleToRawLongBits(value) == 0 ? this : optionalReal(field, value);
    }

    /** optional double; null is left out. */
    ProtoWriter optionalReal(int field, Double value) {
        if (value != null) {
            tag(field, FIXED64);
            little(Double.doubleToRawLongBits(value), 8);
        }
        return this;
    }

    /** repeated double, packed; none is left out. */
    ProtoWriter reals(int field, double... values) {
        if (values.length > 0) {
            tag(field, BYTES);
            varint(8L * values.length);
            for (double value : values) {
                little(Double.doubleToRawLongBits(value), 8);
            }
        }
        return this;
    }

    ProtoWriter text(int field, String value) {
        return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    /** bytes; none is left out. */
    ProtoWriter bytes(int field, byte[] value) {
        return value.length == 0 ? this : message(field, value);
    }

    /** A message within this one; an empty one is kept, as it says which it is. */
    ProtoWriter message(int field, byte[] value) {
        tag(field, BYTES);
        varint(value.length);
        room(value.length);
        System.arraycopy(value, 0, bytes, length, value.length);
        length += value.length;
        return this;
    }

    private void tag(int field, int kind) {
        varint((long) field << 3 | kind);
    }

    private void varint(long value) {
        room(10);
        long left = value;
        while ((left & ~0x7FL) != 0) {
            bytes[length++] = (byte) (left & 0x7F | 0x80);
            left >>>= 7;
        }
        bytes[length++] = (byte) left;
    }

    private void little(long value, int count) {
        room(count);
        for (int i = 0; i < count; i++) {
            bytes[length++] = (byte) (value >>> 8 * i);
        }
    }

    private void room(int more) {
        if (bytes.length - length < more) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length + more));
        }
    }
}
