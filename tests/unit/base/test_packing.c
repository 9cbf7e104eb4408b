/* The copies that products make of their operands, against their definition in base/abi.h. */
#include "base/packing.h"

#include <criterion/criterion.h>
#include <string.h>

enum { LINES = 40, STEP = 1000, ROOM = 1 << 16, GUARD = 0xee };

static unsigned char source[1 + LINES * STEP], packed[ROOM], expected[ROOM];

static void fill(void) {
    for (size_t i = 0; i < sizeof source; i++) {
        source[i] = (unsigned char)(i * 7 + i / 251);
    }
    memset(packed, GUARD, sizeof packed);
    memset(expected, GUARD, sizeof expected);
}

/* From an odd address: nothing is aligned. */
static void check_panels(int64_t points, int64_t columns, int64_t width) {
    fill();
    int64_t panel = points * width + 16;
    for (int64_t i = 0; i * width < columns; i++) {
        for (int64_t k = 0; k < points; k++) {
            for (int64_t b = 0; b < width; b++) {
                int64_t c = i * width + b;
                expected[i * panel + k * width + b] = c < columns ? source[1 + k * STEP + c] : 0;
            }
        }
    }
    tg_pack_panels(packed, panel, source + 1, STEP, points, columns, width);
    cr_assert_arr_eq(packed, expected, ROOM, "%d points of %d bytes by %d", (int)points, (int)columns, (int)width);
}

Test(packing, panels) {
    static const int64_t points[] = {0, 1, 2, 7, 33}, columns[] = {0, 4, 16, 60, 64, 68, 252, 256, 260, 500, 640}, widths[] = {16, 32, 48, 64, 128, 256};
    for (size_t p = 0; p < sizeof points / sizeof *points; p++) {
        for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
            for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
                check_panels(points[p], columns[c], widths[w]);
            }
        }
    }
}

/* Bytes from one row to the next, and from one point. */
typedef struct steps {
    int64_t row, point;
} steps;

static void check_steps(steps s, int64_t points, int64_t rows, int64_t until, int64_t height, int64_t size) {
    fill();
    for (int64_t t = 0; t < until; t += height) {
        for (int64_t k = 0; k < points; k++) {
            for (int64_t r = 0; r < height; r++) {
                int64_t from = t + r < rows ? t + r : rows - 1;
                memcpy(expected + (t * points + k * height + r) * size, source + 1 + from * s.row + k * s.point, (size_t)size);
            }
        }
    }
    tg_pack_tiles(packed, source + 1, s.row, s.point, points, rows, until, height, size);
    cr_assert_arr_eq(packed, expected, ROOM, "%d points, %d apart, of %d of %d rows, %d apart, by %d of %d bytes", (int)points, (int)s.point, (int)until,
                     (int)rows, (int)s.row, (int)height, (int)size);
}

/* Points that follow one another, rows that do, and neither. */
static void check_tiles(int64_t points, int64_t rows, int64_t until, int64_t height, int64_t size) {
    enum { LINE = 600 };
    const steps list[] = {{STEP, size}, {size, LINE}, {3 * size, LINE}, {size, size}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        check_steps(list[i], points, rows, until, height, size);
    }
}

Test(packing, tiles) {
    static const int64_t points[] = {0, 1, 3, 4, 9, 64}, untils[] = {0, 1, 5, 6, 13, 20};
    for (size_t p = 0; p < sizeof points / sizeof *points; p++) {
        for (size_t u = 0; u < sizeof untils / sizeof *untils; u++) {
            for (int64_t height = 1; height <= 14; height++) {
                for (int64_t more = 0; more <= 3; more += 3) { /* rows after the block */
                    check_tiles(points[p], untils[u] + more, untils[u], height, 4);
                    check_tiles(points[p], untils[u] + more, untils[u], height, 8);
                }
            }
        }
    }
}

/* Sixteen rows at a time, those of 4 bytes, whole lines of the tile beyond the last row among them. */
Test(packing, high_tiles) {
    static const int64_t points[] = {0, 3, 4, 21, 64}, rows[] = {1, 15, 16, 17, 32, 37}, heights[] = {16, 31, 32, 40, 80};
    for (size_t p = 0; p < sizeof points / sizeof *points; p++) {
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            for (size_t h = 0; h < sizeof heights / sizeof *heights; h++) {
                check_tiles(points[p], rows[r], 1, heights[h], 4);
                check_tiles(points[p], rows[r], rows[r], heights[h], 4);
                check_tiles(points[p], rows[r], 1, heights[h], 8);
            }
        }
    }
}
