/* Products whose extents are constants and whose sides lie in the caches: no planning, no edge block, and code for the tiles that there are.
 *
 *   whole tiles    ┊ rest of the columns        each of the four kinds that occurs is a loop over tiles of its size,
 *   ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┼┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄        or a single one; results go from registers to where they belong
 *   rest of the rows ┊ of both */
#include "targets/x86/dot_nest.h"

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
static void rows_of_panel(tg_dot_nest *n, int64_t from, int64_t until, unsigned height, unsigned width) {
    tg_llvm *l = n->e.l;
    run r;
    if (from == until) {
        return;
    }
    n->row = open_run(l, &r, from, until, height);
    n->n_rows = tg_llvm_i64(l, height);
    tg_dot_number_rows(n);
    unsigned vecs = (width + n->e.lanes - 1) / n->e.lanes;
    tg_dot_tile t = tg_dot_run_tile(n, tg_llvm_i64(l, 0), height, vecs, width % n->e.lanes != 0);
    tg_dot_roots_in_registers(n, &t);
    close_run(l, &r);
}

static void panels(tg_dot_nest *n, int64_t from, int64_t until, unsigned width) {
    tg_llvm *l = n->e.l;
    int64_t rows;
    run r;
    if (from == until || !tg_llvm_is_const(tg_dot_total_rows(n), &rows)) {
        return;
    }
    n->p.column = open_run(l, &r, from, until, width);
    n->p.n_columns = tg_llvm_i64(l, width);
    tg_dot_locate_panel(n);
    int64_t whole = rows / n->e.rows * n->e.rows;
    rows_of_panel(n, 0, whole, n->e.rows, width);
    rows_of_panel(n, whole, rows, (unsigned)(rows - whole), width);
    close_run(l, &r);
}

void tg_x86_dot_exact(tg_dot_nest *n) {
    tg_llvm *l = n->e.l;
    int64_t columns, width = n->e.vecs * n->e.lanes;
    if (!tg_llvm_is_const(tg_dot_size_of(n, n->e.d->vector), &columns)) {
        return;
    }
    n->in_parts = NULL;
    n->group = n->group ? tg_llvm_i64(l, (columns + width - 1) / width * width) : NULL;
    n->group_from = n->row_from = n->e.k_from = tg_llvm_i64(l, 0);
    n->group_until = tg_llvm_i64(l, columns);
    n->row_until = tg_dot_total_rows(n);
    n->e.k_count = tg_x86_dot_extent(&n->e, 0);
    tg_dot_open_part(n);
    int64_t whole = columns / width * width;
    panels(n, 0, whole, (unsigned)width);
    panels(n, whole, columns, (unsigned)(columns - whole));
}
