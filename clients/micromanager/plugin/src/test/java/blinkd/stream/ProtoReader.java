package blinkd.stream;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Protobuf's wire format, read field by field. In: bytes. Out: numbers and values; BadMessage for broken ones. */
final class ProtoReader {
    private final ByteBuffer bytes;
    private int kind;

    ProtoReader(byte[] bytes) {
        this.bytes = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The next field's number; 0 at the end. */
    int next() {
        if (!bytes.hasRemaining()) {
            return 0;
        }
        long tag = varint();
        kind = (int) (tag & 7);
        if (tag >>> 3 == 0) {
            throw new BadMessage("broken_protobuf");
        }
        return (int) (tag >>> 3);
    }

    long number() {
        expect(0);
        return varint();
    }

    long fixed64() {
        expect(1);
        need(8);
        return bytes.getLong();
    }

    int fixed32() {
        expect(5);
        need(4);
        return bytes.getInt();
    }

    double real() {
        return Double.longBitsToDouble(fixed64());
    }

    byte[] bytes() {
        expect(2);
        long length = varint();
        if (length < 0 || length > bytes.remaining()) {
            throw new BadMessage("broken_protobuf");
        }
        byte[] value = new byte[(int) length];
        bytes.get(value);
        return value;
    }

    /** A field of a later version. */
    void skip() {
        switch (kind) {
            case 0:
                varint();
                break;
            case 1:
                fixed64();
                break;
            case 2:
                bytes();
                break;
            case 5:
                fixed32();
                break;
            default:
                throw new BadMessage("broken_protobuf");
        }
    }

    private long varint() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            need(1);
            byte one = bytes.get();
            value |= (long) (one & 0x7F) << shift;
            if (one >= 0) {
                return value;
            }
        }
        throw new BadMessage("broken_protobuf");
    }

    private void expect(int wanted) {
        if (kind != wanted) {
            throw new BadMessage("broken_protobuf");
        }
    }

    private void need(int count) {
        if (bytes.remaining() < count) {
            throw new BadMessage("broken_protobuf");
        }
    }
}
