/* See sharing.h. The figures are those of a core of 2022 to 2024 with operands in the second or third level of cache; only their
 * relations matter, and those to no great precision: candidates differ by whole blocks. */
#include "base/sharing.h"

#include <math.h>

/* Cycles. */
static const double COPIED = 1.0 / 7, WRITTEN = 1.0 / 16; /* for a byte */
static const double READ = 1.0 / 80; /* for a byte of a row in place and each panel */
static const double LINE =
    24; /* where a run of an operand or of the result begins, which no prefetcher foresees */
static const double FAR_LINE = 300; /* likewise in memory, of columns that pass few rows */
static const double TASK = 1500;    /* addresses, a panel begun, the last tiles */
static const double WAKE = 2500;    /* handing over to other threads, and waiting for the last of them */

/* Of a task: threads are not equally fast, and the first waits for the last. */
static const double UNEVEN = 0.0625;

static const double LEAST_TASK = 7000; /* no more tasks than there are of these */

enum {
    MOST_ROUNDS = 8, /* tasks for a thread, about */
    FEW_TILES = 8,   /* of rows: columns are packed from there on, in pieces of any block */
    FAR = 16 << 20   /* bytes that a core may hope to keep of the last cache */
};

static int64_t ceil_div(int64_t a, int64_t b) {
    return a / b + (a % b > 0);
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Tiles that are not whole keep the multipliers less busy. */
static double with_edge(int64_t extent, int64_t tile, int64_t unit, double edge) {
    int64_t rest = extent % tile;
    return (double)(extent / tile) * (double)(tile / unit) +
           (rest ? (double)ceil_div(rest, unit) + edge : 0);
}

static double product_cycles(const tg_product *p, int64_t columns, int64_t rows) {
    return with_edge(columns, p->width, p->lanes, 0.5) * with_edge(rows, p->height, 1, 1) *
           (double)ceil_div(p->points, p->group) / (double)p->speed;
}

/* Where a line of the columns begins. */
static double line_cycles(const tg_product *p) {
    double bytes = (double)p->columns * (double)p->points * (double)p->column_bytes;
    return p->rows < FEW_TILES * p->height && bytes > (double)FAR ? FAR_LINE : LINE;
}

/* For a byte of a row: packed if many panels read it. */
static double row_cycles(const tg_product *p, int64_t column_block) {
    double in_place = READ * (double)ceil_div(column_block, p->width);
    return p->packs_rows ? COPIED : fmin(COPIED, in_place);
}

static double task_cycles(const tg_product *p, int64_t column_block, int64_t row_block) {
    double columns = (double)column_block, rows = (double)row_block, points = (double)p->points;
    double moved = COPIED * columns * points * (double)p->column_bytes +
                   row_cycles(p, column_block) * rows * points * (double)p->row_bytes +
                   WRITTEN * columns * rows * (double)p->sum_bytes;
    return TASK + line_cycles(p) * points + LINE * rows + moved +
           product_cycles(p, column_block, row_block);
}

/* Until the last thread is done. */
static double launch_cycles(const tg_product *p, int64_t threads, int64_t column_block,
                            int64_t row_block) {
    double column_parts = (double)ceil_div(p->columns, column_block),
           row_parts = (double)ceil_div(p->rows, row_block);
    double tasks = column_parts * row_parts * (double)p->others;
    double task = task_cycles(p, column_block, row_block);
    if (tasks <= 1) {
        return task;
    }
    return WAKE + task * (ceil(tasks / (double)threads) + UNEVEN);
}

/* An extent in about `parts` blocks of whole tiles. */
static int64_t block_of(int64_t extent, int64_t parts, int64_t tile) {
    int64_t each = ceil_div(extent, parts);
    return each >= extent ? extent : smaller(ceil_div(each, tile) * tile, extent);
}

typedef struct choice {
    double cycles;
    int64_t column_block, row_block;
} choice;

static void consider(const tg_product *p, int64_t threads, int64_t column_parts,
                     int64_t row_parts, choice *best) {
    int64_t column_block = block_of(p->columns, column_parts, p->width);
    int64_t row_block = smaller(block_of(p->rows, row_parts, p->height), p->most_rows);
    double cycles = launch_cycles(p, threads, column_block, row_block);
    if (cycles < best->cycles) {
        *best = (choice){cycles, column_block, row_block};
    }
}

void tg_share_product(tg_product *p, int64_t threads) {
    int64_t rows = smaller(p->rows, p->most_rows);
    double tasks = task_cycles(p, p->columns, rows) / LEAST_TASK;
    int64_t most = (int64_t)fmin(tasks, INT32_MAX), before = 1;
    choice best = {launch_cycles(p, threads, p->columns, rows), p->columns, rows};
    for (int64_t rounds = 1; rounds <= MOST_ROUNDS && threads > 1; rounds *= 2) {
        int64_t want = smaller(ceil_div(threads * rounds, p->others), most);
        for (int64_t parts = 1; want > before && parts <= want; parts += ceil_div(parts, 3)) {
            consider(p, threads, parts, ceil_div(want, parts), &best);
        }
        before = want;
    }
    p->column_block = best.column_block;
    p->row_block = best.row_block;
}
