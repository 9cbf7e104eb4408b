/* Sizes of groups, parts and blocks of the nest of dot_emit.c, and which sides are packed; chosen at run time from the extents. */
#include "targets/x86/dot/dot_nest.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/x86_target.h"

enum { PACK_PANELS = 8, PACK_NARROW = 16, PACK_FEW = 4 /* tiles */, PACK_TRANSPOSED = 4, PART_SHARE = 1024, SHORT = 2048, LINE = 64, PAGE = 4096, FEW = 16 };

typedef struct slot { /* a value that a branch may change */
    LLVMValueRef at;
} slot;

/* Points of a part along each reduction axis (no slot: all), columns of a group, rows of a block. */
typedef struct sizes {
    slot part[TG_DOT_AXES], group, block;
} sizes;

static slot slot_open(tg_dot_nest *n, LLVMValueRef v) {
    slot s = {tg_x86_alloca(n->e.x, LLVMTypeOf(v))};
    LLVMBuildStore(n->e.l->builder, v, s.at);
    return s;
}

static LLVMValueRef slot_value(tg_dot_nest *n, slot s) {
    return LLVMBuildLoad2(n->e.l->builder, LLVMGetAllocatedType(s.at), s.at, "");
}

/* The multiple of `unit` next below bytes / each, at least one. */
static LLVMValueRef as_many(tg_dot_nest *n, LLVMValueRef bytes, LLVMValueRef each, LLVMValueRef unit) {
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef v = LLVMBuildUDiv(b, bytes, tg_llvm_max64(l, each, tg_llvm_i64(l, 1)), "");
    v = LLVMBuildMul(b, LLVMBuildUDiv(b, v, unit, ""), unit, "");
    return tg_llvm_max64(l, v, unit);
}

static LLVMValueRef bytes_of(const tg_dot_nest *n, int64_t bytes) {
    return tg_llvm_i64(n->e.l, bytes);
}

/* Is the reduction known to fit one panel? */
static bool is_short(tg_dot_nest *n) {
    int64_t points = 1;
    for (uint32_t i = 0; i < n->e.d->n_over && points; i++) {
        int64_t bound = n->e.x->ranges[n->e.d->over[i]->rank].bound;
        points = bound > SHORT ? 0 : points * bound;
    }
    return points > 0 && points <= SHORT;
}

/* Lines of the caches that a panel's line takes: 1 with AVX2, 4 with AVX-512. */
static int64_t cache_lines(const tg_dot_nest *n) {
    int64_t bytes = n->e.vecs * n->e.lanes * n->e.size;
    return bytes > LINE ? bytes / LINE : 1;
}

/* The power of two in a step, within a line and a page: of the sets of a cache lines that far apart use one in unit / LINE. */
static LLVMValueRef unit_of(tg_dot_nest *n, LLVMValueRef step) {
    tg_llvm *l = n->e.l;
    LLVMValueRef unit = LLVMBuildAnd(l->builder, step, LLVMBuildNeg(l->builder, step, ""), "");
    return tg_llvm_min64(l, tg_llvm_max64(l, unit, tg_llvm_i64(l, LINE)), tg_llvm_i64(l, PAGE));
}

LLVMValueRef tg_dot_crowds(tg_dot_nest *n, LLVMValueRef step, LLVMValueRef count, int64_t bytes) {
    LLVMBuilderRef b = n->e.l->builder;
    LLVMValueRef unit = unit_of(n, step), width = tg_llvm_max64(n->e.l, unit, tg_dot_line_bytes(n));
    return LLVMBuildICmp(b, LLVMIntSGT, LLVMBuildMul(b, width, count, ""), tg_llvm_i64(n->e.l, bytes), "");
}

/* Do `count` lines that lie `step` bytes apart find no room in the cache that panels are read from? A power of two in the step leaves
 * sets unused. A panel of several cache lines a point that even packed exceeds the first level is read from the second, all in good time,
 * unless each line displaces one that was requested for a point to come: those a page apart have the same few sets. */
static LLVMValueRef crowds_sets(tg_dot_nest *n, LLVMValueRef step, LLVMValueRef count) {
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    const tg_machine *m = n->e.x->machine;
    LLVMValueRef unit = unit_of(n, step), page = tg_llvm_i64(l, PAGE);
    LLVMValueRef room = tg_llvm_i64(l, m->l1_bytes * 3 / 4);
    if (cache_lines(n) > 1) {
        LLVMValueRef fits = LLVMBuildICmp(b, LLVMIntSLE, LLVMBuildMul(b, count, tg_dot_line_bytes(n), ""), room, "");
        LLVMValueRef first = LLVMBuildOr(b, fits, LLVMBuildICmp(b, LLVMIntEQ, unit, page, ""), "");
        room = tg_dot_choose(n, first, room, tg_llvm_i64(l, m->l2_bytes));
    }
    return LLVMBuildICmp(b, LLVMIntSGT, LLVMBuildMul(b, unit, count, ""), room, "");
}

/* Are the lines of the vector side spread over `bytes` or more? */
static LLVMValueRef is_spread(tg_dot_nest *n, const tg_dot_side *s, int64_t bytes) {
    tg_dot_emission *e = &n->e;
    const tg_axis *last = e->d->over[e->d->n_over - 1];
    LLVMValueRef spread = LLVMBuildMul(e->l->builder, tg_x86_dot_step(e, s, last), tg_dot_size_of(n, last), "");
    return LLVMBuildICmp(e->l->builder, LLVMIntSGE, spread, tg_llvm_i64(e->l, bytes), "");
}

static LLVMValueRef is_above(tg_dot_nest *n, LLVMValueRef points, LLVMValueRef lines, int64_t bytes) {
    tg_dot_emission *e = &n->e;
    LLVMValueRef size = LLVMBuildMul(e->l->builder, LLVMBuildMul(e->l->builder, points, lines, ""), tg_llvm_i64(e->l, e->size), "");
    return LLVMBuildICmp(e->l->builder, LLVMIntSGT, size, tg_llvm_i64(e->l, bytes), "");
}

/* Few rows over columns that are spread stream by; how many, depends on where the columns come from. Of those that a part of the third level holds a narrow
 * panel is packed at little cost, which half as many tiles are worth, and a wide one is read in place at the speed of the tile. Of those from memory a wide
 * panel waits for its lines, whether it is packed or not. */
static LLVMValueRef streams_by(tg_dot_nest *n, LLVMValueRef rows) {
    enum { IN_PLACE = 4 /* rows */ };
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    const tg_machine *m = e->x->machine;
    int64_t lines = cache_lines(n), tile = e->rows, part = lines > 1 ? m->l3_bytes / 8 : m->l3_bytes / 16;
    LLVMValueRef bytes = LLVMBuildMul(b, tg_x86_dot_extent(e, 0), tg_dot_size_of(n, e->d->vector), "");
    bytes = LLVMBuildMul(b, bytes, tg_llvm_i64(e->l, e->size), "");
    LLVMValueRef near = LLVMBuildICmp(b, LLVMIntSLE, bytes, bytes_of(n, part), "");
    LLVMValueRef far = LLVMBuildICmp(b, LLVMIntSGT, bytes, bytes_of(n, tg_x86_share_of_last(m)), "");
    LLVMValueRef until = tg_dot_choose(n, far, tg_llvm_i64(e->l, TG_DOT_PACK_TILES * lines * tile), tg_llvm_i64(e->l, TG_DOT_PACK_TILES * tile));
    until = tg_dot_choose(n, near, tg_llvm_i64(e->l, lines > 1 ? IN_PLACE : PACK_FEW * tile), until);
    return LLVMBuildAnd(b, LLVMBuildICmp(b, LLVMIntSLT, rows, until, ""), is_spread(n, &n->columns, TG_FEW_BYTES), "");
}

/* Packing pays if enough tiles read the panel again and its lines crowd a few sets or are spread too far: over many pages, if a step is
 * over before one is found, or over more than the second level holds. The wider the line, the more there is to copy, while a tile gains the same
 * at each. With few rows the vector side streams. */
static void plan_panels(tg_dot_nest *n, LLVMValueRef rows) {
    tg_dot_emission *e = &n->e;
    const tg_x86_dot *d = e->d;
    LLVMBuilderRef b = e->l->builder;
    if (n->columns.packed) {
        n->pays = LLVMConstInt(e->l->i1, 0, 0);
        return;
    }
    bool groups = tg_dot_streams_rows(n);
    if ((groups || tg_dot_streams_narrow(n)) && !is_short(n) && !tg_dot_leaves_few_out(n)) { /* packing costs more than a few rows */
        int64_t most = groups ? TG_DOT_STREAM_ROWS : 1;
        LLVMValueRef few = LLVMBuildICmp(b, LLVMIntSLE, rows, tg_llvm_i64(e->l, most), "");
        n->streams = LLVMBuildAnd(b, few, is_spread(n, &n->narrow_columns, TG_FEW_BYTES), "");
    }
    if (tg_dot_streams_along(n) && !is_short(n) && !tg_dot_leaves_few_out(n)) {
        LLVMValueRef few = LLVMBuildICmp(b, LLVMIntSLE, rows, tg_llvm_i64(e->l, tg_dot_along_rows(n)), "");
        n->streams = LLVMBuildAnd(b, few, is_above(n, tg_x86_dot_extent(e, 0), tg_dot_size_of(n, d->vector), TG_FEW_BYTES), "");
    }
    if (!n->columns.direct || n->compact) {
        return;
    }
    if (tg_x86_sched_pack(e->x, n->columns.value)) { /* `false`: with `true` they would not be direct */
        n->pays = LLVMConstInt(e->l->i1, 0, 0);
        return;
    }
    LLVMValueRef step = tg_x86_dot_step(e, &n->columns, d->over[d->n_over - 1]);
    int64_t lines = cache_lines(n);
    const tg_machine *m = e->x->machine; /* where a packed panel needs no requests, packing gains more */
    LLVMValueRef far = is_spread(n, &n->columns, lines == 1 ? TG_FEW_BYTES : m->foresees ? m->l2_bytes / 2 : 2 * m->l2_bytes);
    LLVMValueRef crowded = crowds_sets(n, step, tg_dot_size_of(n, d->over[d->n_over - 1]));
    bool may_stream = d->n_over == 1 && d->group <= 1 && !is_short(n);
    n->streams = may_stream ? streams_by(n, rows) : NULL;
    LLVMValueRef tiles = tg_dot_has_tiles(n, rows, may_stream && lines == 1 ? PACK_FEW : TG_DOT_PACK_TILES * lines);
    tiles = n->streams ? LLVMBuildAnd(b, tiles, LLVMBuildNot(b, n->streams, ""), "") : tiles;
    n->pays = LLVMBuildAnd(b, tiles, LLVMBuildOr(b, far, crowded, ""), "");
    if (tg_dot_may_copy(n)) { /* almost for nothing what the first level does not hold */
        LLVMValueRef large = tg_dot_crowds(n, tg_dot_line_bytes(n), tg_dot_size_of(n, d->over[0]), m->l1_bytes * 3 / 4);
        n->pays = LLVMBuildOr(b, n->pays, LLVMBuildAnd(b, large, tg_dot_has_tiles(n, rows, TG_DOT_PACK_TILES), ""), "");
    }
}

/* Equal parts of at most `most`. */
static LLVMValueRef equal(tg_dot_nest *n, LLVMValueRef size, LLVMValueRef most) {
    tg_llvm *l = n->e.l;
    LLVMValueRef one = tg_llvm_i64(l, 1), count = tg_llvm_max64(l, tg_llvm_ceil_div(l, size, tg_llvm_max64(l, most, one)), one);
    return tg_llvm_max64(l, tg_llvm_ceil_div(l, size, count), one);
}

/* Does each point of a row lie on a line of its own? The last reduction axis runs across the tensor's last dimension. */
static bool is_row_apart(const tg_dot_nest *n) {
    const tg_op *op = n->rows.value->def;
    const tg_axis *last = n->e.d->over[n->e.d->n_over - 1];
    return op && op->opcode == TG_OP_LOAD && tg_op_n_indices(op) && !tg_type_has_axis(tg_op_index(op, tg_op_n_indices(op) - 1)->type, last);
}

/* Panels that were packed before the launch and that one tile of rows reads come by once, whole; those that a few tiles read again stay in the second level. */
static LLVMValueRef points_of_packed(tg_dot_nest *n, LLVMValueRef otherwise) {
    tg_llvm *l = n->e.l;
    int64_t line = (int64_t)tg_x86_dot_column_bytes(n->e.d->multiply, n->e.stored, n->e.size) * n->e.vecs * n->e.lanes;
    LLVMValueRef rows = tg_dot_total_rows(n), once = LLVMBuildICmp(l->builder, LLVMIntSLE, rows, tg_llvm_i64(l, n->e.rows), "");
    LLVMValueRef again = tg_dot_choose(n, tg_dot_has_tiles(n, rows, TG_DOT_PACK_TILES), otherwise, tg_llvm_i64(l, n->e.x->machine->l2_bytes / 2 / line));
    return tg_dot_choose(n, once, tg_llvm_i64(l, INT64_MAX / 4), again);
}

/* Points of a part, whose panel takes a share of the second-level cache. Those of a plain product are short, since then more rows fit beside them:
 * 1 K points a MB, at which what sums cost between parts is still little; and where a row takes a line for each point, those lines have to stay in
 * the first level for the next rows. */
static LLVMValueRef points_of_part(tg_dot_nest *n) {
    tg_llvm *l = n->e.l;
    const tg_machine *m = n->e.x->machine;
    int64_t line = n->e.vecs * n->e.lanes * n->e.size, most = m->l2_bytes / 4 / line, plain = m->l2_bytes / PART_SHARE;
    LLVMValueRef few = tg_llvm_i64(l, plain < most ? plain : most);
    if (n->e.d->n_over == 1) {
        return n->columns.packed ? points_of_packed(n, few) : few;
    }
    int64_t apart = m->l1_bytes / 2 / LINE;
    LLVMValueRef points = tg_llvm_i64(l, is_row_apart(n) && apart < most ? apart : most);
    return n->packs_rows ? tg_dot_choose(n, n->packs_rows, few, points) : points;
}

/* May reduction axis i, not the outermost, be cut where a step of that is too long for a part? Taps of a filter are few. */
static bool may_cut(const tg_dot_nest *n, uint32_t i) {
    const tg_dot_emission *e = &n->e;
    int64_t bound = e->x->ranges[e->d->over[i]->rank].bound;
    return i > 0 && e->d->group <= 1 && e->d->multiply == TG_DOT_PLAIN && !e->d->over[0]->scheduled && (bound == 0 || bound > FEW);
}

/* The box of the reduction that a part is, to part[]: steps of the outermost axis, or a piece of one. Half as much again may be whole, unless a panel that
 * the first level just holds would leave it. */
static void plan_part(tg_dot_nest *n, LLVMValueRef size, LLVMValueRef inner, const slot *part) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef one = tg_llvm_i64(e->l, 1), two = tg_llvm_i64(e->l, 2), three = tg_llvm_i64(e->l, 3), around = one;
    LLVMValueRef points = points_of_part(n), most = as_many(n, points, inner, one);
    bool just = e->d->n_over == 1 && cache_lines(n) == 1;
    LLVMValueRef fits = LLVMBuildICmp(b, LLVMIntSLE, LLVMBuildMul(b, size, two, ""), LLVMBuildMul(b, most, just ? two : three, ""), "");
    LLVMBuildStore(b, tg_dot_choose(n, fits, size, equal(n, size, most)), part[0].at);
    LLVMValueRef cut = LLVMBuildICmp(b, LLVMIntSGT, LLVMBuildMul(b, inner, two, ""), LLVMBuildMul(b, points, three, ""), "");
    for (uint32_t i = 1; i < e->d->n_over; i++) {
        LLVMValueRef extent = tg_x86_dot_extent(e, i);
        if (!part[i].at) {
            around = LLVMBuildMul(b, around, extent, "");
            continue;
        }
        LLVMValueRef step = LLVMBuildMul(b, around, tg_x86_dot_extents(e, i + 1), "");
        LLVMBuildStore(b, tg_dot_choose(n, cut, equal(n, extent, as_many(n, points, step, one)), extent), part[i].at);
    }
}

/* Bytes of rows in place that tiles read again and again. Beside a wide panel, which stays in the second level until they all have passed, a row is
 * a thin stream: the third level will do. */
static int64_t room_for_rows(const tg_dot_nest *n) {
    const tg_machine *m = n->e.x->machine;
    int64_t third = cache_lines(n) > 1 && n->e.d->n_over == 1 ? m->l3_bytes / 8 : 0;
    return third > m->l2_bytes / 2 ? third : m->l2_bytes / 2;
}

/* Are rows of several reduction axes better packed, if they are read often: those whose points lie apart, or in short runs as those of a window's lines? */
static bool packs_boxes(const tg_dot_nest *n) {
    const tg_x86_dot *d = n->e.d;
    bool plain = d->group <= 1 && d->multiply == TG_DOT_PLAIN && !d->flip_rows && n->n_row_axes;
    return plain && ((n->rows.direct && is_row_apart(n)) || tg_x86_dot_slides(n->e.x, d));
}

/* What packing the rows of a plain product, or of one over several axes, takes to pay. */
typedef struct rows_gain {
    int64_t panels;   /* that read the rows, at least */
    LLVMValueRef far; /* i1: the sides do not fit where they are read from, which rows in place use badly */
} rows_gain;

/* Rows whose points follow one another, or boxes. */
static rows_gain usual_gain(tg_dot_nest *n, LLVMValueRef rows, LLVMValueRef points) {
    LLVMValueRef longest = tg_llvm_max64(n->e.l, rows, tg_dot_panel_width(n));
    bool few = cache_lines(n) > 1 || (n->e.d->n_over > 1 && is_row_apart(n));
    return (rows_gain){few ? PACK_PANELS : PACK_NARROW, is_above(n, points, longest, room_for_rows(n))};
}

/* Those of a transposed side: of each line of the caches a tile wants a part, and reads it for every panel. It copies a point in some 8 cycles, which a
 * few panels lose that read it in place, from the second level at best. */
static rows_gain transposed_gain(tg_dot_nest *n, LLVMValueRef rows, LLVMValueRef points) {
    return (rows_gain){cache_lines(n) > 1 ? PACK_PANELS : PACK_TRANSPOSED, is_above(n, points, rows, n->e.x->machine->l2_bytes / 8)};
}

static LLVMValueRef gains(tg_dot_nest *n, rows_gain g) {
    LLVMValueRef least = tg_llvm_i64(n->e.l, g.panels * n->e.vecs * n->e.lanes);
    return LLVMBuildAnd(n->e.l->builder, LLVMBuildICmp(n->e.l->builder, LLVMIntSGE, tg_dot_size_of(n, n->e.d->vector), least, ""), g.far, "");
}

/* Does packing rows in place pay? Null: it is known not to. Whether a side is transposed is up to its strides, but code for a view alone is not made. */
static LLVMValueRef rows_pay(tg_dot_nest *n, LLVMValueRef rows, LLVMValueRef points) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    bool plain = e->d->n_over == 1;
    int64_t bound = e->x->ranges[e->d->vector->rank].bound;
    rows_gain usual = usual_gain(n, rows, points), transposed = plain ? transposed_gain(n, rows, points) : usual;
    if (bound && bound < (is_row_apart(n) ? transposed.panels : usual.panels) * e->vecs * e->lanes) {
        return NULL;
    }
    LLVMValueRef pays = gains(n, usual), across = plain ? gains(n, transposed) : pays;
    if (across != pays) { /* equal if all extents are known and small */
        pays = tg_dot_choose(n, tg_x86_dot_has_runs(e, &n->rows), pays, across);
    }
    return LLVMBuildAnd(b, pays, tg_dot_has_tiles(n, rows, TG_DOT_PACK_TILES), "");
}

/* Rows that have to be packed anyhow are packed in blocks; others if that pays. */
static void plan_rows(tg_dot_nest *n, LLVMValueRef rows, LLVMValueRef points) {
    tg_dot_emission *e = &n->e;
    const tg_x86_dot *d = e->d;
    const tg_sched_item *pack = tg_x86_sched_pack(e->x, n->rows.value);
    bool tiles = d->n_over == 1 ? tg_x86_dot_packs_tiles(e->x, d) : packs_boxes(n);
    if (n->compact || !tiles || (n->streams && !n->rows.direct && !n->narrow_rows.direct) || (pack && !pack->integer)) {
        return;
    }
    n->packs_rows = n->rows.direct || d->n_over > 1 ? rows_pay(n, rows, points) : LLVMConstInt(e->l->i1, 1, 0);
    n->block_memory = tg_x86_dot_scratch(e->x);
}

/* Sizes for sides too large for the caches; small ones run in one block, panel by panel. */
static void plan_large(tg_dot_nest *n, LLVMValueRef rows, LLVMValueRef inner, const sizes *s) {
    tg_dot_emission *e = &n->e;
    const tg_machine *m = e->x->machine;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef size = tg_x86_dot_extent(e, 0), width = tg_dot_panel_width(n), bytes = tg_llvm_i64(e->l, e->size);
    plan_part(n, size, inner, s->part);
    LLVMValueRef length = bytes; /* of a row or column in a part */
    for (uint32_t i = 0; i < e->d->n_over; i++) {
        length = LLVMBuildMul(b, length, s->part[i].at ? slot_value(n, s->part[i]) : tg_x86_dot_extent(e, i), "");
    }
    LLVMValueRef height = tg_llvm_i64(e->l, e->rows), one = tg_llvm_i64(e->l, 1), many = as_many(n, bytes_of(n, m->l2_bytes / 2), length, height);
    if (room_for_rows(n) > m->l2_bytes / 2) {
        LLVMValueRef in_place = as_many(n, bytes_of(n, room_for_rows(n)), length, height);
        many = n->packs_rows ? tg_dot_choose(n, n->packs_rows, many, in_place) : in_place;
    }
    LLVMValueRef blocks = tg_llvm_max64(e->l, tg_llvm_ceil_div(e->l, rows, many), one);
    LLVMValueRef tiles = tg_llvm_max64(e->l, tg_llvm_ceil_div(e->l, tg_llvm_ceil_div(e->l, rows, blocks), height), one);
    LLVMBuildStore(b, LLVMBuildMul(b, tiles, height, ""), s->block.at); /* about equal ones */
    LLVMValueRef several = LLVMBuildICmp(b, LLVMIntSGT, rows, many, "");
    LLVMValueRef few = slot_value(n, s->group);
    if (n->packs_rows) { /* again for every group: that costs little if they are few */
        LLVMValueRef tall = tg_dot_has_tiles(n, rows, TG_DOT_PACK_TILES);
        several = LLVMBuildOr(b, several, LLVMBuildAnd(b, n->packs_rows, tall, ""), "");
        few = tg_dot_choose(n, n->packs_rows, as_many(n, bytes_of(n, m->l2_bytes / 4), length, width), few);
    }
    LLVMBuildStore(b, tg_dot_choose(n, several, as_many(n, bytes_of(n, m->l3_bytes / 8), length, width), few), s->group.at);
    if (n->streams) {
        tg_llvm_if c;
        tg_llvm_if_open(e->l, &c, n->streams);
        LLVMValueRef left = tg_llvm_i64(e->l, tg_dot_streams_along(n) ? e->lanes : TG_DOT_STREAM_LINES);
        LLVMBuildStore(b, tg_llvm_min64(e->l, size, left), s->part[0].at);
        LLVMValueRef sums = LLVMBuildMul(b, rows, bytes, "");
        LLVMBuildStore(b, as_many(n, bytes_of(n, m->l2_bytes), sums, width), s->group.at);
        LLVMBuildStore(b, LLVMBuildMul(b, tg_llvm_i64(e->l, TG_DOT_PACK_TILES), tg_llvm_i64(e->l, e->rows), ""), s->block.at);
        tg_llvm_if_close(e->l, &c);
    }
}

/* Room for the sums between parts. */
static void plan_strips(tg_dot_nest *n, LLVMValueRef rows) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef height = tg_llvm_i64(e->l, e->rows);
    LLVMValueRef lines = LLVMBuildMul(b, tg_llvm_ceil_div(e->l, rows, height), height, "");
    if (n->streams && tg_dot_streams_few(n)) {
        LLVMValueRef low = tg_llvm_i64(e->l, tg_x86_dot_stream_height(e->x->machine));
        lines = tg_llvm_max64(e->l, lines, LLVMBuildMul(b, tg_llvm_ceil_div(e->l, rows, low), low, ""));
    }
    LLVMValueRef single = LLVMBuildICmp(b, LLVMIntEQ, rows, tg_llvm_i64(e->l, 1), "");
    n->strip_bytes = LLVMBuildMul(b, tg_dot_choose(n, single, rows, lines), tg_dot_line_bytes(n), ""); /* a single row's sums lie in order */
    LLVMValueRef columns = tg_dot_size_of(n, e->d->vector);
    columns = tg_llvm_min64(e->l, n->group ? n->group : tg_dot_panel_width(n), columns);
    LLVMValueRef bytes = LLVMBuildMul(b, tg_llvm_ceil_div(e->l, columns, tg_dot_panel_width(n)), n->strip_bytes, "");
    bytes = LLVMBuildAdd(b, bytes, LLVMBuildMul(b, height, tg_dot_line_bytes(n), ""), ""); /* the last panel's tiles have all rows */
    if (e->d->group > 1) { /* slices of columns that stream in groups pass the last panel */
        LLVMValueRef slice = tg_llvm_i64(e->l, (int64_t)TG_DOT_STREAM_SLICE * e->size);
        bytes = LLVMBuildAdd(b, bytes, LLVMBuildAdd(b, n->strip_bytes, slice, ""), "");
    }
    n->strip_memory = tg_x86_dot_scratch(e->x);
    n->strips = tg_x86_dot_reserve(e->x, &n->strip_memory, tg_dot_choose(n, n->in_parts, bytes, tg_llvm_i64(e->l, 0)));
}

static void cut_axis(tg_dot_nest *n, uint32_t i, LLVMValueRef points) {
    tg_llvm *l = n->e.l;
    n->part[i] = tg_llvm_max64(l, points, tg_llvm_i64(l, 1));
    LLVMValueRef cut = LLVMBuildICmp(l->builder, LLVMIntSGT, tg_x86_dot_extent(&n->e, i), n->part[i], "");
    n->in_parts = i ? LLVMBuildOr(l->builder, n->in_parts, cut, "") : cut;
}

/* What ends here is compiled without effort. */
static void close_cold(tg_dot_nest *n, tg_llvm_outline *o, const char *name) {
    LLVMValueRef fn = tg_x86_outline_close(n->e.x, o, name);
    if (fn) {
        tg_x86_mark_steering(n->e.x, fn);
    }
}

/* Which sides are packed, and sizes. `inside`: of a loop, where only large products, which run seldom, may take their time. */
static sizes plan(tg_dot_nest *n, LLVMValueRef rows, bool inside) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef size = tg_x86_dot_extent(e, 0), one = tg_llvm_i64(e->l, 1);
    plan_panels(n, rows);
    LLVMValueRef inner = tg_llvm_max64(e->l, tg_x86_dot_extents(e, 1), one);
    LLVMValueRef points = LLVMBuildMul(b, size, inner, ""), half = tg_llvm_i64(e->l, e->x->machine->l2_bytes / 2);
    LLVMValueRef longest = tg_llvm_max64(e->l, rows, tg_dot_panel_width(n));
    LLVMValueRef bytes = LLVMBuildMul(b, LLVMBuildMul(b, points, longest, ""), tg_llvm_i64(e->l, e->size), "");
    LLVMValueRef large = LLVMBuildICmp(b, LLVMIntSGT, bytes, half, "");
    large = n->streams ? LLVMBuildOr(b, large, n->streams, "") : large;
    plan_rows(n, rows, points);
    LLVMValueRef all = tg_llvm_max64(e->l, size, one), height = tg_llvm_i64(e->l, e->rows);
    unsigned panels = tg_x86_dot_packs_broad(e, &n->columns) ? TG_DOT_PACK_BROAD : 1;
    LLVMValueRef columns = LLVMBuildMul(b, tg_dot_panel_width(n), tg_llvm_i64(e->l, panels), "");
    sizes s = {.part = {slot_open(n, all)}, .group = slot_open(n, columns), .block = slot_open(n, tg_llvm_max64(e->l, rows, height))};
    for (uint32_t i = 1; i < e->d->n_over; i++) {
        s.part[i] = may_cut(n, i) ? slot_open(n, tg_x86_dot_extent(e, i)) : (slot){NULL};
    }
    tg_llvm_if c;
    tg_llvm_if_open(e->l, &c, large);
    tg_llvm_outline o;
    if (inside) {
        tg_llvm_outline_open(e->l, &o);
    }
    plan_large(n, rows, inner, &s);
    if (inside) {
        close_cold(n, &o, "plan_large");
    }
    tg_llvm_if_close(e->l, &c);
    return s;
}

/* The plan of a product that runs once in a task is a function of its own. What it finds comes back by way of memory. */
static sizes plan_apart(tg_dot_nest *n, LLVMValueRef rows) {
    LLVMValueRef *found[] = {&n->pays, &n->streams, &n->packs_rows};
    enum { FOUND = sizeof found / sizeof *found };
    slot slots[FOUND];
    for (unsigned i = 0; i < FOUND; i++) {
        slots[i].at = tg_x86_alloca(n->e.x, n->e.l->i1);
    }
    tg_llvm_outline o;
    tg_llvm_outline_open(n->e.l, &o);
    sizes s = plan(n, rows, false);
    for (unsigned i = 0; i < FOUND; i++) {
        if (*found[i] && !LLVMIsConstant(*found[i])) {
            LLVMBuildStore(n->e.l->builder, *found[i], slots[i].at);
        }
    }
    close_cold(n, &o, "plan_sizes");
    for (unsigned i = 0; i < FOUND; i++) {
        if (*found[i] && !LLVMIsConstant(*found[i])) {
            *found[i] = slot_value(n, slots[i]);
        }
    }
    return s;
}

/* Products whose sizes the target chooses otherwise, or that have next to none. */
static void plan_simple(tg_dot_nest *n, LLVMValueRef rows) {
    plan_panels(n, rows);
    if (n->e.d->amx) {
        tg_dot_amx_sizes(n);
    }
    if (n->compact && tg_x86_dot_slides(n->e.x, n->e.d)) { /* a box of all images could be too large */
        cut_axis(n, 0, tg_llvm_i64(n->e.l, 1));
        plan_strips(n, rows);
    }
}

void tg_x86_dot_plan_sizes(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    const tg_x86_dot *d = e->d;
    LLVMValueRef rows = tg_dot_total_rows(n);
    if (n->compact || d->amx) {
        plan_simple(n, rows);
        return;
    }
    bool apart = tg_x86_dot_runs_once(d) && !is_short(n) && !LLVMIsConstant(rows);
    const sizes s = apart ? plan_apart(n, rows) : plan(n, rows, true);
    n->group = slot_value(n, s.group);
    n->block = d->row || d->n_rows ? slot_value(n, s.block) : NULL;
    if (is_short(n) && !d->over[0]->scheduled) {
        return;
    }
    int64_t group_size = d->n_over == 1 ? d->group : 1, scheduled = (d->over[0]->block + group_size - 1) / group_size;
    for (uint32_t i = 0; i < d->n_over; i++) {
        if (s.part[i].at) {
            LLVMValueRef points = i == 0 && d->over[0]->scheduled ? tg_llvm_i64(e->l, scheduled) : slot_value(n, s.part[i]);
            cut_axis(n, i, points);
        }
    }
    plan_strips(n, rows);
}
