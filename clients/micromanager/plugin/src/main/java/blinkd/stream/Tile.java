package blinkd.stream;

/** One position of a scan: its number in the order of the plan, its place in the grid, its planned frames. */
public final class Tile {
    public final int index;
    public final int row;
    public final int column;
    /** 0: not known. */
    public final int frames;

    public Tile(int index, int row, int column, int frames) {
        this.index = index;
        this.row = row;
        this.column = column;
        this.frames = frames;
    }
}
