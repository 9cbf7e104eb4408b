/* Products whose extents are constants and whose sides lie in the caches: no planning, no edge block, and code for the tiles that there are.
 *
 *   whole panels   ┊ rest of the columns        each of the four kinds that occurs is a loop over tiles of its size,
 *   ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┼┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄        or a single one; results go from registers to where they belong
 *   tiles a row lower ┊ likewise */
#include "targets/x86/dot/dot_nest.h"

static bool is_false(LLVMValueRef v) {
    int64_t bit;
    return !v || (tg_llvm_is_const(v, &bit) && !bit);
}

bool tg_x86_dot_is_exact(tg_dot_nest *n) {
    int64_t rows, columns;
    bool known = tg_llvm_is_const(tg_dot_total_rows(n), &rows) && tg_llvm_is_const(tg_dot_size_of(n, n->e.d->vector), &columns);
    for (uint32_t i = 0; i < n->e.d->n_over && known; i++) {
        int64_t count;
        known = tg_llvm_is_const(tg_x86_dot_extent(&n->e, i), &count);
    }
    return known && rows > 0 && columns > 0 && n->n_row_axes && !n->compact && is_false(n->in_parts) && is_false(n->streams) &&
           is_false(n->packs_rows);
}

/* Tiles [from, until) of one axis, `size` apart. */
typedef struct run {
    tg_llvm_loop loop;
    bool loops;
} run;

static LLVMValueRef open_run(tg_llvm *l, run *r, int64_t from, int64_t until, int64_t size) {
    r->loops = from + size < until;
    return r->loops ? tg_llvm_loop_open(l, &r->loop, tg_llvm_i64(l, from), tg_llvm_i64(l, until), tg_llvm_i64(l, size)) : tg_llvm_i64(l, from);
}

static void close_run(tg_llvm *l, run *r) {
    if (r->loops) {
        tg_llvm_loop_close(l, &r->loop);
    }
}

/* Rows [from, until) in tiles of `height`, at the present panel of `width` columns. */
static void tiles_of_rows(tg_dot_nest *n, int64_t from, int64_t until, unsigned height, unsigned width) {
    tg_llvm *l = n->e.l;
    run r;
    if (from == until) {
        return;
    }
    n->row = open_run(l, &r, from, until, height);
    n->n_rows = tg_llvm_i64(l, height);
    n->e.rows = height;
    tg_dot_number_rows(n);
    unsigned vecs = (width + n->e.lanes - 1) / n->e.lanes;
    tg_dot_tile t = tg_dot_run_tile(n, tg_llvm_i64(l, 0), height, vecs, width % n->e.lanes != 0);
    tg_dot_roots_in_registers(n, &t);
    close_run(l, &r);
}

/* Lanes for columns of which one vector holds all: halves or quarters of a 512-bit vector need no masks, and take half as many turns of the
 * multipliers on some machines. */
static unsigned lanes_for(const tg_dot_nest *n, int64_t columns) {
    const tg_dot_emission *e = &n->e;
    unsigned lanes = e->lanes, least = e->d->multiply == TG_DOT_PLAIN && e->x->machine->has_masks ? 16 / e->size : lanes;
    while (lanes > least && columns * 2 <= lanes) {
        lanes /= 2;
    }
    return lanes;
}

static void set_lanes(tg_dot_nest *n, unsigned lanes) {
    n->e.lanes = n->e.x->lanes = lanes;
    n->e.vector = tg_llvm_wide(n->e.elem, lanes);
}

/* As few tiles as the registers allow, of nearly the same height: a low tile takes as long as one whose sums keep the multipliers busy. */
static void rows_of_panel(tg_dot_nest *n, unsigned width) {
    int64_t rows;
    unsigned lanes = n->e.lanes, vecs = (width + lanes - 1) / lanes, most = n->e.rows * n->e.vecs / vecs, whole_height = n->e.rows;
    set_lanes(n, lanes_for(n, width));
    most = most < TG_DOT_MAX_ROWS ? most : TG_DOT_MAX_ROWS;
    if (tg_llvm_is_const(tg_dot_total_rows(n), &rows)) {
        int64_t count = (rows + most - 1) / most, low = rows / count, higher = rows % count * (low + 1);
        tiles_of_rows(n, 0, higher, (unsigned)low + 1, width);
        tiles_of_rows(n, higher, rows, (unsigned)low, width);
    }
    n->e.rows = whole_height;
    set_lanes(n, lanes);
}

/* Columns [from, until) of the present group in panels of `width`; gives back where they end. */
static int64_t panels(tg_dot_nest *n, int64_t from, int64_t until, int64_t width) {
    tg_llvm *l = n->e.l;
    run r;
    if (from == until) {
        return until;
    }
    n->p.column = open_run(l, &r, from, until, width);
    n->p.n_columns = tg_llvm_i64(l, width);
    tg_dot_locate_panel(n);
    rows_of_panel(n, (unsigned)width);
    close_run(l, &r);
    return until;
}

/* The last columns of `left`, if they need fewer lanes and enough rows keep the multipliers busy without the others. */
static int64_t narrow_rest(const tg_dot_nest *n, int64_t rows, int64_t left) {
    enum { BUSY = 8 };
    int64_t rest = left % n->e.lanes;
    return n->e.x->machine->halves && rest > 0 && rest < left && rows >= BUSY && lanes_for(n, rest) < n->e.lanes ? rest : 0;
}

/* Panels are as wide as the register tile. What is left, if it is no more than a vector, makes the last one wider where that lies in
 * place: a tile of one vector loads an element of a row for every multiplication, and three vectors fill the registers as well as two. */
static void all_panels(tg_dot_nest *n, int64_t rows, int64_t columns) {
    int64_t lanes = n->e.lanes, width = n->e.vecs * lanes, last = columns % width;
    bool in_place = n->pays && is_false(n->pays) && !n->columns.packed;
    bool joins = in_place && n->e.vecs == 2 && columns > width && last > 0 && last <= lanes;
    int64_t at = panels(n, 0, joins ? columns - last - width : columns - last, width);
    int64_t rest = in_place ? narrow_rest(n, rows, columns - at) : 0;
    at = panels(n, at, columns - rest, columns - rest - at);
    panels(n, at, columns, rest);
}

void tg_x86_dot_exact(tg_dot_nest *n) {
    tg_llvm *l = n->e.l;
    int64_t rows, columns, width = n->e.vecs * n->e.lanes;
    if (!tg_llvm_is_const(tg_dot_total_rows(n), &rows) || !tg_llvm_is_const(tg_dot_size_of(n, n->e.d->vector), &columns)) {
        return;
    }
    n->exact = true;
    n->in_parts = NULL;
    n->group = n->group ? tg_llvm_i64(l, (columns + width - 1) / width * width) : NULL;
    n->group_from = n->row_from = n->e.from[0] = tg_llvm_i64(l, 0);
    n->group_until = tg_llvm_i64(l, columns);
    n->row_until = tg_dot_total_rows(n);
    n->e.count[0] = tg_x86_dot_extent(&n->e, 0);
    tg_dot_open_part(n);
    all_panels(n, rows, columns);
}
