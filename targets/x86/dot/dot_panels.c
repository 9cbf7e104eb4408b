/* The panels of the vector side that the tiles of a part of the reduction read: packed, or where they lie. */
#include "base/abi.h"
#include "targets/x86/dot/dot_nest.h"
#include "targets/x86/memory/memory.h"


enum { PREFETCH_GROUPS = 16, FAR_AHEAD = 8192 };

static LLVMValueRef points_of_part(tg_dot_nest *n) {
    return tg_x86_dot_counts(&n->e, 0);
}

/* Number of the panel in its group. */
static LLVMValueRef panel_number(tg_dot_nest *n, LLVMValueRef column) {
    LLVMBuilderRef b = n->e.l->builder;
    return n->group ? LLVMBuildUDiv(b, LLVMBuildSub(b, column, n->group_from, ""), tg_dot_panel_width(n), "") : tg_llvm_i64(n->e.l, 0);
}

/* Lines of zeros behind the points of a panel, up to the end of a tile. */
static void fill_tile(tg_dot_nest *n, LLVMValueRef panel) {
    tg_dot_emission *e = &n->e;
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    tg_llvm_loop points;
    LLVMValueRef line = tg_llvm_i64(l, tg_x86_dot_panel_step(e)), until = LLVMBuildUDiv(b, e->apart, line, "");
    LLVMValueRef i = tg_llvm_loop_open(l, &points, points_of_part(n), until, tg_llvm_i64(l, 1));
    LLVMValueRef at = tg_dot_bytes_at(n, panel, i, line);
    for (unsigned v = 0; v < e->vecs; v++) {
        tg_llvm_store(l, LLVMConstNull(e->vector), tg_x86_dot_panel_vector(e, at, v), e->size);
    }
    tg_llvm_loop_close(l, &points);
}

static LLVMValueRef correction_bytes(tg_dot_nest *n) {
    return n->e.d->flip_rows ? tg_dot_line_bytes(n) : tg_llvm_i64(n->e.l, 0);
}

static LLVMValueRef correction_of(tg_dot_nest *n, LLVMValueRef at) {
    return tg_dot_bytes_at(n, at, LLVMBuildSub(n->e.l->builder, n->panel_bytes, correction_bytes(n), ""), tg_llvm_i64(n->e.l, 1));
}

/* Whole panels of columns that lie along the reduction are transposed; others are gathered. */
static void pack_panel_across(tg_dot_nest *n, const tg_dot_panels *p) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    tg_llvm_if c;
    LLVMValueRef end = LLVMBuildAdd(b, p->at, tg_dot_panel_width(n), "");
    LLVMValueRef whole = LLVMBuildICmp(b, LLVMIntSLE, end, p->limit, "");
    tg_llvm_if_open(e->l, &c, LLVMBuildAnd(b, whole, tg_x86_dot_has_runs(e, &n->across), ""));
    tg_x86_dot_pack_columns(e, &n->across, p);
    tg_llvm_if_else(e->l, &c);
    tg_x86_dot_pack_panels(e, &n->columns, p);
    tg_llvm_if_close(e->l, &c);
}

/* Whole panels of groups are packed by vectors of their lines. Gives back how many groups are done. */
static LLVMValueRef pack_whole_groups(tg_dot_nest *n, LLVMValueRef memory) {
    tg_dot_emission *e = &n->e;
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef width = tg_dot_panel_width(n), columns = LLVMBuildSub(b, n->group_until, n->group_from, "");
    LLVMValueRef whole = LLVMBuildMul(b, LLVMBuildUDiv(b, columns, width, ""), width, "");
    tg_dot_panels p = {.to = memory, .bytes = n->panel_bytes, .at = n->group_from, .limit = LLVMBuildAdd(b, n->group_from, whole, "")};
    LLVMValueRef strip = LLVMBuildMul(b, width, tg_llvm_i64(l, TG_DOT_PACK_BROAD), "");
    LLVMValueRef ahead = LLVMBuildMul(b, tg_x86_dot_step(e, &n->narrow_columns, e->d->over[0]), tg_llvm_i64(l, (int64_t)PREFETCH_GROUPS * e->d->group), "");
    return tg_x86_dot_pack_groups(e, &n->narrow_columns, &p, strip, ahead);
}

/* Panels from column `from` on, `count` at a time; gives back where it stops: less than that many are left. `done`: what of whole ones is packed
 * already, or null. */
static LLVMValueRef pack_panels(tg_dot_nest *n, LLVMValueRef memory, LLVMValueRef from, unsigned count, LLVMValueRef done) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef step = LLVMBuildMul(b, tg_dot_panel_width(n), tg_llvm_i64(e->l, count), ""), until = n->group_until;
    if (count > 1) {
        LLVMValueRef whole = LLVMBuildUDiv(b, LLVMBuildSub(b, until, from, ""), step, "");
        until = LLVMBuildAdd(b, from, LLVMBuildMul(b, whole, step, ""), "");
    }
    tg_llvm_loop loop;
    LLVMValueRef column = tg_llvm_loop_open(e->l, &loop, from, until, step);
    tg_dot_panels p = {.bytes = n->panel_bytes, .at = column, .limit = tg_dot_size_of(n, e->d->vector), .n = count};
    p.to = tg_dot_bytes_at(n, memory, panel_number(n, column), n->panel_bytes);
    if (done) {
        LLVMValueRef whole = LLVMBuildICmp(b, LLVMIntSLE, LLVMBuildAdd(b, column, tg_dot_panel_width(n), ""), p.limit, "");
        p.done = tg_dot_choose(n, whole, done, tg_llvm_i64(e->l, 0));
    }
    if (n->across.direct) {
        pack_panel_across(n, &p);
    } else {
        if (tg_x86_dot_packs_along(e, &n->columns)) {
            p.done = tg_x86_dot_pack_along(e, &n->columns, &p);
        }
        tg_x86_dot_pack_panels(e, &n->columns, &p);
    }
    if (e->d->amx) {
        fill_tile(n, p.to);
    }
    if (e->d->flip_rows) {
        tg_x86_dot_correct(e, p.to, n->p.loops, correction_of(n, p.to));
    }
    tg_llvm_loop_close(e->l, &loop);
    return until;
}

/* Are panels no more than copies of pieces of lines? */
static bool copies_lines(const tg_dot_nest *n) {
    const tg_x86_dot *d = n->e.d;
    return n->columns.direct && d->n_over == 1 && d->group <= 1 && !d->flip_rows;
}

bool tg_dot_may_copy(const tg_dot_nest *n) {
    return n->e.x->machine->foresees && copies_lines(n) && n->n_row_axes == 1 && !n->compact && n->e.d->multiply == TG_DOT_PLAIN;
}

/* Columns [first, until) to panels in `memory`. */
static void copy_columns(tg_dot_nest *n, LLVMValueRef memory, LLVMValueRef first, LLVMValueRef until) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef size = tg_llvm_i64(e->l, e->size), step = tg_x86_dot_step(e, &n->columns, e->d->over[0]);
    LLVMValueRef from = tg_dot_bytes_at(n, tg_x86_dot_part_base(e, &n->columns), first, size);
    LLVMValueRef columns = LLVMBuildMul(b, LLVMBuildSub(b, until, first, ""), size, "");
    LLVMValueRef args[] = {memory, n->panel_bytes, from, step, e->count[0], columns, tg_dot_line_bytes(n)};
    tg_x86_worker_call(e->x, offsetof(tg_worker, pack_panels), args, 7);
}

/* All panels of the group, or the last one that is not whole if others are packed by their first tiles. */
static void copy_lines(tg_dot_nest *n, LLVMValueRef memory) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef first = n->group_from;
    if (n->copies) {
        LLVMValueRef width = tg_dot_panel_width(n), whole = LLVMBuildUDiv(b, LLVMBuildSub(b, n->group_until, first, ""), width, "");
        memory = tg_dot_bytes_at(n, memory, whole, n->panel_bytes);
        first = LLVMBuildAdd(b, first, LLVMBuildMul(b, whole, width, ""), "");
    }
    copy_columns(n, memory, first, n->group_until);
}

/* Panels that wait to be packed until the first block of rows is about to read them: the second level has them then, and the group may exceed it. */
static bool packs_late(const tg_dot_nest *n) {
    return copies_lines(n) && n->group && !n->exact && !n->compact && !n->e.x->machine->foresees && !n->e.x->machine->has_masks;
}

static void pack_late(tg_dot_nest *n) {
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef zero = tg_llvm_i64(l, 0), among = LLVMBuildURem(b, panel_number(n, n->p.column), tg_llvm_i64(l, TG_DOT_PACK_BROAD), "");
    LLVMValueRef due = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildOr(b, among, n->row_from, ""), zero, "");
    LLVMValueRef broad = LLVMBuildMul(b, tg_dot_panel_width(n), tg_llvm_i64(l, TG_DOT_PACK_BROAD), "");
    tg_llvm_if c;
    tg_llvm_if_open(l, &c, LLVMBuildAnd(b, due, n->pays, ""));
    copy_columns(n, n->p.at, n->p.column, tg_llvm_min64(l, n->group_until, LLVMBuildAdd(b, n->p.column, broad, "")));
    tg_llvm_if_close(l, &c);
}

/* Several panels at a time read longer pieces of each row of the tensor. */
static void pack_group(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    n->panel_bytes = LLVMBuildMul(b, e->apart ? e->apart : points_of_part(n), e->apart ? tg_llvm_i64(e->l, e->vecs) : tg_dot_line_bytes(n), "");
    n->panel_bytes = LLVMBuildAdd(b, n->panel_bytes, correction_bytes(n), "");
    LLVMValueRef columns = LLVMBuildSub(b, n->group_until, n->group_from, "");
    LLVMValueRef count = n->group ? tg_llvm_ceil_div(e->l, columns, tg_dot_panel_width(n)) : tg_llvm_i64(e->l, 1), from = n->group_from;
    LLVMValueRef bytes = LLVMBuildMul(b, n->panel_bytes, count, "");
    if (n->across.direct) { /* transposed in whole vectors of points */
        bytes = LLVMBuildAdd(b, bytes, LLVMBuildMul(b, tg_dot_line_bytes(n), tg_llvm_i64(e->l, e->lanes), ""), "");
    }
    LLVMValueRef memory = tg_x86_dot_reserve(e->x, &n->panel_memory, bytes);
    n->panels = memory;
    if (copies_lines(n)) {
        if (!packs_late(n)) {
            copy_lines(n, memory);
        }
        return;
    }
    tg_llvm_outline o;
    tg_llvm_outline_open(e->l, &o);
    if (n->group && tg_x86_dot_packs_broad(e, &n->columns) && !n->across.direct && !tg_x86_dot_packs_along(e, &n->columns)) {
        from = pack_panels(n, memory, from, TG_DOT_PACK_BROAD, NULL);
    }
    LLVMValueRef done = tg_x86_dot_packs_groups(e, &n->narrow_columns) ? pack_whole_groups(n, memory) : NULL;
    pack_panels(n, memory, from, 1, done);
    tg_x86_outline_close(e->x, &o, "pack_panels");
}

/* Steps of the reduction axes where the points of a part lie one after the other, `step` bytes apart. */
static void packed_loops(tg_dot_nest *n, LLVMValueRef step, LLVMValueRef *steps) {
    for (uint32_t i = n->e.d->n_over; i-- > 0;) {
        steps[i] = step;
        step = LLVMBuildMul(n->e.l->builder, step, n->e.count[i], "");
    }
}

/* A loop around another whose points follow those of the one before is done by that: 7 columns of 3 channels are a run of 21. */
static void merge_loops(tg_dot_nest *n) {
    LLVMBuilderRef b = n->e.l->builder;
    for (uint32_t i = 1; i < n->e.d->n_over; i++) {
        int64_t count;
        tg_dot_loop *in = &n->p.loops[i], *out = in - 1;
        if (tg_llvm_is_const(in->count, &count) && count <= TG_DOT_SHORT) { /* better without a loop */
            continue;
        }
        LLVMValueRef columns = LLVMBuildICmp(b, LLVMIntEQ, out->vector_step, LLVMBuildMul(b, in->count, in->vector_step, ""), "");
        LLVMValueRef rows = LLVMBuildICmp(b, LLVMIntEQ, out->row_step, LLVMBuildMul(b, in->count, in->row_step, ""), "");
        LLVMValueRef one = LLVMBuildAnd(b, columns, rows, ""), all = LLVMBuildMul(b, out->count, in->count, "");
        in->count = tg_dot_choose(n, one, all, in->count);
        out->count = tg_dot_choose(n, one, tg_llvm_i64(n->e.l, 1), out->count);
    }
}

/* Does a panel of `bytes` come without requests? One in place that the first level does not hold has lines on many pages; few rows wait for memory. */
static LLVMValueRef is_quiet(tg_dot_nest *n, LLVMValueRef bytes) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef one_piece = n->columns.packed ? tg_dot_has_tiles(n, tg_dot_total_rows(n), TG_DOT_PACK_TILES) : n->pays;
    LLVMValueRef fits = LLVMBuildICmp(b, LLVMIntSLE, bytes, tg_llvm_i64(e->l, e->x->machine->l1_bytes * 3 / 4), "");
    return one_piece ? LLVMBuildOr(b, fits, one_piece, "") : LLVMConstInt(e->l->i1, 1, 0);
}

/* i1: the whole tiles of the panel request nothing. Null: they do. A convolution of 256 channels, channels first, lost a tenth without requests on
 * a machine that foresees. On one that does not, panels that many tiles read gain without, for each instruction counts: in a batch, as Winograd's
 * products are, few may, and so may those of packed weights: these come from memory. */
static LLVMValueRef quiet(tg_dot_nest *n, LLVMValueRef bytes) {
    const tg_machine *m = n->e.x->machine;
    bool requests_rows = n->n_row_axes > 1 && n->e.d->n_over == 1;
    if (n->compact) {
        return NULL;
    }
    if (m->foresees) {
        return n->n_row_axes <= 1 ? is_quiet(n, bytes) : NULL;
    }
    if (!m->requests || requests_rows) {
        return NULL;
    }
    if (n->columns.packed) {
        return tg_dot_has_tiles(n, tg_dot_total_rows(n), TG_DOT_PACK_TILES);
    }
    return n->n_row_axes <= 1 && !n->e.d->n_batch ? LLVMConstInt(n->e.l->i1, 1, 0) : NULL;
}

/* What tiles request: of a panel that stays in the first level nothing, but the rows of the tile that follows; unless those are packed, which
 * the processor foresees. */
static void plan_requests(tg_dot_nest *n, const tg_dot_loop *last) {
    tg_dot_emission *e = &n->e;
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef zero = tg_llvm_i64(l, 0), step = last->vector_step;
    n->p.ahead = LLVMBuildMul(b, step, tg_llvm_i64(l, TG_DOT_PREFETCH_STEPS), "");
    unsigned two = 2 * e->vecs * e->lanes * e->size, stream = two > TG_DOT_STREAM_AHEAD ? two : TG_DOT_STREAM_AHEAD; /* panels */
    n->p.ahead = n->streams ? tg_dot_choose(n, n->streams, tg_llvm_i64(l, stream), n->p.ahead) : n->p.ahead;
    if (n->columns.packed) { /* panel after panel, as it lies in memory: what a few rows wait for is as far ahead as memory takes to answer */
        n->p.ahead = tg_dot_choose(n, tg_dot_has_tiles(n, tg_dot_total_rows(n), TG_DOT_PACK_TILES), n->p.ahead, tg_llvm_i64(l, FAR_AHEAD));
    }
    LLVMValueRef panel = LLVMBuildMul(b, points_of_part(n), tg_dot_line_bytes(n), "");
    n->p.quiet = quiet(n, panel);
    n->p.next_rows = LLVMBuildICmp(b, LLVMIntSLE, panel, tg_llvm_i64(l, e->x->machine->l1_bytes / 2), "");
    if (n->packs_rows) {
        n->p.next_rows = LLVMBuildAnd(b, n->p.next_rows, LLVMBuildNot(b, n->packs_rows, ""), "");
    }
    LLVMValueRef moves = tg_dot_choose(n, LLVMBuildICmp(b, LLVMIntEQ, step, zero, ""), tg_llvm_i64(l, e->size), step);
    n->p.request_step = tg_dot_choose(n, n->p.next_rows, tg_llvm_i64(l, e->rows * e->size), moves);
}

/* The reduction loops of a part, in the panels of its group, which are packed if that pays. */
void tg_dot_open_part(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    const tg_x86_dot *d = e->d;
    LLVMValueRef steps[TG_DOT_AXES], row_steps[TG_DOT_AXES];
    int64_t ever;
    if (d->amx) { /* tiles lie one after the other, those of 16 columns in a row: whole pages, and no sets of the caches left out */
        LLVMValueRef lines = tg_llvm_i64(e->l, TG_AMX_ROWS), tiles = tg_llvm_ceil_div(e->l, points_of_part(n), lines);
        e->apart = LLVMBuildMul(e->l->builder, tiles, tg_llvm_i64(e->l, TG_AMX_ROWS * TG_AMX_BYTES), "");
        pack_group(n);
        return;
    }
    packed_loops(n, tg_dot_line_bytes(n), steps);
    packed_loops(n, tg_llvm_i64(e->l, e->rows * e->size), row_steps);
    n->copies = n->pays && tg_dot_may_copy(n) && !n->exact && !(tg_llvm_is_const(n->pays, &ever) && !ever);
    n->p.source_step = tg_x86_dot_step(e, &n->columns, d->over[0]);
    n->next_crowds = n->copies ? tg_dot_crowds(n, n->p.source_step, n->e.count[0], e->x->machine->l2_bytes / 2) : NULL;
    for (uint32_t i = 0; i < d->n_over; i++) {
        LLVMValueRef in_place = tg_x86_dot_step(e, &n->columns, d->over[i]);
        n->p.loops[i].count = e->count[i];
        n->p.loops[i].vector_step = n->pays ? tg_dot_choose(n, n->pays, steps[i], in_place) : steps[i];
        n->p.loops[i].row_step = tg_x86_dot_step(e, &n->rows, d->over[i]);
        if (n->packs_rows) {
            n->p.loops[i].row_step = tg_dot_choose(n, n->packs_rows, row_steps[i], n->p.loops[i].row_step);
        }
    }
    n->p.n_loops = d->n_over;
    merge_loops(n);
    plan_requests(n, &n->p.loops[d->n_over - 1]);
    if (!n->pays) {
        pack_group(n);
        return;
    }
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), in_place = tg_x86_dot_part_base(e, &n->columns);
    if (tg_llvm_is_const(n->pays, &ever) && !ever) {
        n->panels = in_place;
        n->panel_bytes = zero;
        return;
    }
    n->in_place = in_place;
    LLVMValueRef memory = tg_x86_alloca(e->x, e->l->ptr), bytes = tg_x86_alloca(e->x, e->l->i64);
    LLVMBuildStore(e->l->builder, in_place, memory);
    LLVMBuildStore(e->l->builder, zero, bytes);
    tg_llvm_if c;
    tg_llvm_if_open(e->l, &c, n->pays);
    pack_group(n);
    LLVMBuildStore(e->l->builder, n->panels, memory);
    LLVMBuildStore(e->l->builder, n->panel_bytes, bytes);
    tg_llvm_if_close(e->l, &c);
    n->panels = LLVMBuildLoad2(e->l->builder, e->l->ptr, memory, "");
    n->panel_bytes = LLVMBuildLoad2(e->l->builder, e->l->i64, bytes, "");
}

/* What tiles request: the next panel where its first tile will read it. It has to have room in the second level, of which lines that lie a power of
 * two apart use little. Otherwise where it goes, or where it is from the second block of rows on; after the last panel comes the first one. */
static void locate_next(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef size = tg_llvm_i64(e->l, e->size), next = LLVMBuildAdd(b, n->p.column, tg_dot_panel_width(n), "");
    LLVMValueRef last = LLVMBuildICmp(b, LLVMIntSGE, next, tg_dot_size_of(n, e->d->vector), "");
    LLVMValueRef packed = LLVMBuildICmp(b, LLVMIntNE, n->row_from, tg_llvm_i64(e->l, 0), "");
    packed = LLVMBuildOr(b, LLVMBuildOr(b, packed, last, ""), n->next_crowds, "");
    LLVMValueRef in_group = tg_dot_choose(n, LLVMBuildICmp(b, LLVMIntSLT, next, n->group_until, ""), next, n->group_from);
    LLVMValueRef to = tg_dot_bytes_at(n, n->panels, panel_number(n, in_group), n->panel_bytes);
    n->p.next = tg_dot_choose(n, packed, to, tg_dot_bytes_at(n, n->in_place, next, size));
    n->p.next_step = tg_dot_choose(n, packed, n->p.loops[0].vector_step, n->p.source_step);
}

/* Of a panel packed here the line counts for its part; of one packed before the launch it counts once, for the first. */
static LLVMValueRef start_of_sums(tg_dot_nest *n) {
    if (!n->columns.packed) {
        return correction_of(n, n->p.at);
    }
    LLVMValueRef step = tg_x86_dot_step(&n->e, &n->columns, n->e.d->vector);
    return tg_x86_dot_packed_sums(&n->e, tg_dot_bytes_at(n, n->columns.base, n->p.column, step));
}

void tg_dot_locate_panel(tg_dot_nest *n) {
    LLVMValueRef number = panel_number(n, n->p.column);
    n->p.at = tg_dot_bytes_at(n, n->panels, number, n->panel_bytes);
    if (n->pays) {
        LLVMValueRef in_place = tg_dot_choose(n, n->pays, tg_llvm_i64(n->e.l, 0), n->p.column);
        LLVMValueRef step = n->columns.packed ? tg_x86_dot_step(&n->e, &n->columns, n->e.d->vector) : tg_llvm_i64(n->e.l, n->e.size);
        n->p.at = tg_dot_bytes_at(n, n->p.at, in_place, step);
    }
    n->p.source = NULL;
    if (n->pays && !n->columns.packed && packs_late(n)) {
        pack_late(n);
    }
    if (n->copies) {
        n->p.source = tg_dot_bytes_at(n, n->in_place, n->p.column, tg_llvm_i64(n->e.l, n->e.size));
        locate_next(n);
    }
    n->correction = n->e.d->flip_rows ? start_of_sums(n) : NULL;
    n->strip = n->in_parts ? tg_dot_bytes_at(n, n->strips, number, n->strip_bytes) : NULL;
}
