/* The loops of a nest. Every axis becomes a counted loop over V(axis), the vector axis two: full vectors, `unroll` of them
 * per iteration, then the rest under a mask, or point by point where work is done once a row. Between them a third, over
 * vectors of one register, if a full one is several.
 *
 *   outer … │ accumulators open │ inner … roots … │ accumulators close
 *
 * If the vector axis is among the outer ones, each vector of an iteration has its own accumulators (a vertical
 * reduction); if it is among the inner ones, they all serve one output point and are merged in a fixed tree. */
#include "targets/x86/dot/dot.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"
#include "targets/x86/nest/walk.h"
#include "targets/x86/ops/ops.h"

enum { INNER = 1000 /* added to a level once the accumulators are open */, POINTS_AT_ONCE = 4, UPDATES_AT_ONCE = 4 };

static tg_axis *axis_at(const tg_x86_nest *n, uint32_t i) {
    return i < n->n_outer ? n->outer[i] : n->inner[i - n->n_outer];
}

LLVMValueRef tg_x86_open_loop(tg_x86 *x, tg_x86_nest_loop *l, LLVMValueRef from, LLVMValueRef until, int64_t step) {
    l->outside = x->place;
    l->outside->at = LLVMGetInsertBlock(x->builder);
    l->inside = TG_NEW(x->arena, tg_x86_place);
    LLVMValueRef index = tg_llvm_loop_open(x->l, &l->loop, from, until, tg_llvm_i64(x->l, step));
    x->place = l->inside;
    l->inside->at = LLVMGetInsertBlock(x->builder);
    return index;
}

void tg_x86_close_loop(tg_x86 *x, tg_x86_nest_loop *l) {
    l->loop.before = l->outside->at;
    tg_llvm_loop_close(x->l, &l->loop);
    x->place = l->outside;
    x->place->at = LLVMGetInsertBlock(x->builder);
}

/* ---- roots -------------------------------------------------------------------------------------------- */

static void run_assert(tg_x86 *x, tg_x86_frame *f, tg_op *op) {
    tg_llvm_if c;
    LLVMValueRef ok = tg_x86_eval(x, f, tg_operand(op, 0)).v;
    tg_llvm_if_open(x->l, &c, LLVMBuildNot(x->builder, ok, ""));
    tg_x86_emit_fail(x, op, f);
    tg_llvm_if_close(x->l, &c);
}

static void fill(tg_x86 *x, tg_x86_frame *f, tg_x86_root *r) {
    if (!r->op) {
        tg_x86_buffer_store(x, f, r->to, tg_x86_eval(x, f, r->value));
        return;
    }
    for (uint32_t i = 0; i < r->op->n_results; i++) {
        tg_value *v = tg_result(r->op, i);
        tg_x86_val val = tg_x86_eval_def(x, f, v);
        tg_x86_memo(x, tg_x86_frame_of(f, v->type), v, val);
        if (!r->transient) {
            tg_x86_buffer_store(x, f, x->buffers[v->id], val);
        }
    }
}

static void run_root_here(tg_x86_nest_walk *w, uint32_t root, uint32_t copy, tg_x86_frame *f) {
    tg_x86 *x = w->x;
    tg_x86_root *r = &w->n->roots.data[root];
    switch (r->kind) {
    case TG_X86_ROOT_FILL:
        fill(x, f, r);
        break;
    case TG_X86_ROOT_STORE:
        tg_x86_store_tensor(x, f, r->op);
        break;
    case TG_X86_ROOT_REDUCE:
    case TG_X86_ROOT_SCAN:
        tg_x86_acc_step(x, w->vector_inside && x->lanes < w->n->lanes ? w->rest[root] : w->accs[root][copy], f);
        break;
    case TG_X86_ROOT_ATOMIC: {
        tg_x86_val old = tg_x86_atomic(x, f, r->op);
        if (r->value->type->n_axes == 0) {
            tg_x86_set_scalar(x, r->value, old);
        } else if (!r->transient) {
            tg_x86_buffer_store(x, f, x->buffers[r->value->id], old);
        }
        break;
    }
    case TG_X86_ROOT_EFFECT:
        run_assert(x, f, r->op);
        break;
    case TG_X86_ROOT_SET: /* tg_x86_run_chain */
        break;
    case TG_X86_ROOT_CARRY:
        break; /* runs at all points at once */
    }
}

static void run_root(tg_x86_nest_walk *w, uint32_t root, uint32_t copy, tg_x86_frame *f) {
    const tg_op *op = w->n->roots.data[root].op;
    void *location = op ? tg_x86_debug_enter(w->x, op) : NULL;
    run_root_here(w, root, copy, f);
    if (op) {
        tg_x86_debug_leave(w->x, location);
    }
}

/* Is the root a store of one channel? All of them are stored with the last. */
static bool waits_for_channels(tg_x86_nest_walk *w, uint32_t r, uint32_t u, tg_x86_frame **frames) {
    tg_x86 *x = w->x;
    uint32_t root[TG_X86_CLOSE_LANES], n = x->lanes > 1 ? tg_x86_channel_stores(x, w->n, r, root) : 0, last = 0;
    bool along = n > 0 && root[0] == root[1];
    tg_op *op[TG_X86_CLOSE_LANES];
    tg_x86_frame *f[TG_X86_CLOSE_LANES];
    for (uint32_t k = 0; k < n; k++) {
        op[k] = w->n->roots.data[root[k]].op;
        f[k] = along ? frames[u / n * n + k] : frames[u];
        last = root[k] > last ? root[k] : last;
    }
    if (n > 0 && (along ? u % n + 1 == n : r == last)) {
        void *location = tg_x86_debug_enter(x, op[0]);
        tg_x86_store_channels(x, f, op, n);
        tg_x86_debug_leave(x, location);
    }
    return n > 0;
}

static void run_carry(tg_x86_nest_walk *w, tg_x86_root *r, tg_x86_frame **frames, uint32_t n) {
    tg_x86_emit_carry(w->x, r->op, frames, n);
    for (uint32_t u = 0; u < n; u++) {
        for (uint32_t k = 0; k < r->op->n_results && !r->transient; k++) {
            tg_value *v = tg_result(r->op, k);
            tg_x86_buffer_store(w->x, frames[u], w->x->buffers[v->id], tg_x86_eval(w->x, frames[u], v));
        }
    }
}

static void run_roots(tg_x86_nest_walk *w, tg_x86_frame **frames, uint32_t n, bool after) {
    if (!after && w->n->roots.data[0].kind == TG_X86_ROOT_CARRY) {
        run_carry(w, &w->n->roots.data[0], frames, n);
        return;
    }
    for (uint32_t u = 0; u < n && w->x->eager && !after; u++) {
        tg_x86_run_chain(w->x, frames[u]);
    }
    for (uint32_t u = 0; u < n && !w->x->eager; u++) {
        for (uint32_t r = 0; r < w->n->roots.len; r++) {
            if (w->n->roots.data[r].after == after && !waits_for_channels(w, r, u, frames)) {
                run_root(w, r, u, frames[u]);
            }
        }
    }
}

/* ---- accumulators ---------------------------------------------------------------------------------------- */

static bool has_acc(const tg_x86_root *r) {
    return r->kind == TG_X86_ROOT_REDUCE || r->kind == TG_X86_ROOT_SCAN;
}

static void merge_accs(tg_x86_nest_walk *w, uint32_t r, uint32_t copies) {
    tg_x86 *x = w->x;
    bool joined = !w->rest[r] && tg_x86_acc_join(x, w->accs[r], copies);
    for (uint32_t half = copies; half > 1 && !joined; half /= 2) {
        for (uint32_t u = 0; u < half / 2; u++) {
            tg_x86_acc_merge(x, w->accs[r][u], w->accs[r][u + half / 2]);
        }
    }
    if (w->rest[r] && w->rest[r] != w->accs[r][0]) {
        tg_x86_acc_fold(x, w->accs[r][0], w->n->narrow);
        tg_x86_acc_merge(x, w->accs[r][0], w->rest[r]);
    }
    tg_x86_acc_fold(x, w->accs[r][0], 1);
}

/* Points of the only reduced axis at a time, each with accumulators of its own, where the additions of a single vector of columns would wait for each other. */
static uint32_t points_at_once(const tg_x86_nest_walk *w, uint32_t n) {
    const tg_x86_nest *nest = w->n;
    bool may = n == 1 && nest->light && nest->vector && !w->vector_inside && !nest->tile && !nest->partner && nest->n_inner == 1 && nest->unrolled == 0 && !nest->reverse &&
               !nest->bordered.len && !w->x->options->baseline;
    for (uint32_t i = 0; i < nest->roots.len && may; i++) {
        const tg_x86_root *r = &nest->roots.data[i];
        may = r->after || (r->kind == TG_X86_ROOT_REDUCE && tg_x86_acc_regroups(r->op));
    }
    return may ? POINTS_AT_ONCE : 1;
}

/* A long chain needs the registers that a sum of as many lanes would fill, where there are few: its lanes are added up each time, which are no more additions, and no more
 * that wait for each other. */
static bool sums_narrowly(const tg_x86_nest_walk *w, uint32_t r) {
    const tg_x86_nest *n = w->n;
    bool few = w->x->machine->vector_regs <= 16;
    return few && w->vector_inside && !n->tile && n->long_chain && n->narrow < n->lanes && tg_x86_acc_narrows(&n->roots.data[r]);
}

static void open_accs(tg_x86_nest_walk *w, uint32_t r, uint32_t copies, tg_x86_frame **frames, uint32_t n, bool one) {
    tg_x86 *x = w->x;
    tg_x86_root *root = &w->n->roots.data[r];
    bool narrow = sums_narrowly(w, r);
    unsigned lanes = narrow ? w->n->narrow : w->n->vector ? x->lanes : 1;
    for (uint32_t u = 0; u < copies; u++) {
        w->accs[r][u] = tg_x86_acc_open(x, root, lanes, frames[one ? 0 : u % n]);
        if (one || u >= n) {
            tg_x86_acc_share(w->accs[r][u], w->accs[r][0]);
        }
    }
    if (w->vector_inside && w->n->narrow < w->n->lanes) {
        w->rest[r] = narrow ? w->accs[r][0] : tg_x86_acc_open(x, root, w->n->narrow, frames[0]);
    }
}

/* The root whose accumulators have the extreme that root r is, too; r itself: none. With lanes along what is reduced their vectors are merged in ways of their own. */
static uint32_t twin_of(const tg_x86_nest_walk *w, uint32_t r) {
    const tg_x86_nest *n = w->n;
    for (uint32_t i = 0; i < n->roots.len && !w->vector_inside && !w->x->options->baseline; i++) {
        bool both = n->roots.data[i].kind == TG_X86_ROOT_REDUCE && n->roots.data[r].kind == TG_X86_ROOT_REDUCE;
        if (both && tg_x86_acc_has_extreme(n->roots.data[i].op, n->roots.data[r].op)) {
            return i;
        }
    }
    return r;
}

static void open_all(tg_x86_nest_walk *w, uint32_t copies, tg_x86_frame **frames, uint32_t n, bool one) {
    for (uint32_t r = 0; r < w->n->roots.len; r++) {
        if (has_acc(&w->n->roots.data[r]) && twin_of(w, r) == r) {
            open_accs(w, r, copies, frames, n, one);
        }
    }
    for (uint32_t r = 0; r < w->n->roots.len; r++) {
        uint32_t twin = has_acc(&w->n->roots.data[r]) ? twin_of(w, r) : r;
        for (uint32_t u = 0; u < copies && twin != r; u++) {
            w->accs[r][u] = tg_x86_acc_extreme(w->x, &w->n->roots.data[r], w->accs[twin][u]);
        }
    }
}

static void inner_part(tg_x86_nest_walk *w, tg_x86_frame **frames, uint32_t n) {
    tg_x86 *x = w->x;
    bool one = w->vector_inside && !w->n->tile; /* point, which all vectors of an iteration serve */
    w->at_once = points_at_once(w, n);
    uint32_t copies = one ? w->n->unroll : n * w->at_once;
    open_all(w, copies, frames, n, one);
    tg_x86_walk_level(w, INNER + w->n->n_outer, frames, n);
    for (uint32_t r = 0; r < w->n->roots.len; r++) {
        if (!has_acc(&w->n->roots.data[r])) {
            continue;
        }
        if (one && w->n->roots.data[r].kind == TG_X86_ROOT_REDUCE) {
            merge_accs(w, r, copies);
        }
        for (uint32_t half = w->at_once / 2; half > 0; half /= 2) {
            for (uint32_t u = 0; u < half; u++) {
                tg_x86_acc_merge(x, w->accs[r][u], w->accs[r][u + half]);
            }
        }
        for (uint32_t u = 0; u < n && w->vector_inside && !one; u++) {
            tg_x86_acc_fold(x, w->accs[r][u], 1);
        }
        for (uint32_t u = 0; u < n; u++) {
            tg_x86_acc_close(x, w->accs[r][u], frames[u]);
        }
    }
    run_roots(w, frames, n, true);
}

/* ---- loops ---------------------------------------------------------------------------------------------------- */

void tg_x86_bind_point(tg_x86 *x, tg_x86_frame **out, tg_x86_frame *parent, tg_axis *a, LLVMValueRef index, LLVMValueRef step) {
    tg_x86_val v = {index, step, NULL};
    *out = tg_x86_frame_create(x, parent, x->place);
    tg_x86_frame_bind(*out, a, v);
}

LLVMValueRef tg_x86_mirrored(tg_x86 *x, const tg_x86_range *r, LLVMValueRef k) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef last = LLVMBuildSub(b, LLVMBuildAdd(b, r->first, r->size, ""), tg_llvm_i64(x->l, 1), "");
    return LLVMBuildSub(b, LLVMBuildAdd(b, r->first, last, ""), k, "");
}

void tg_x86_point_loop(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n, LLVMValueRef first, LLVMValueRef until) {
    tg_x86 *x = w->x;
    tg_x86_nest_loop l;
    LLVMValueRef k = tg_x86_open_loop(x, &l, first, until, 1), index = k;
    if (w->n->reverse && i >= INNER) {
        index = tg_x86_mirrored(x, &x->ranges[a->rank], k);
    }
    tg_x86_frame *inside[TG_X86_MAX_POINTS];
    for (uint32_t u = 0; u < n; u++) {
        tg_x86_bind_point(x, &inside[u], frames[u], a, index, NULL);
    }
    tg_x86_walk_level(w, i + 1, inside, n);
    tg_x86_close_loop(x, &l);
}

static void points_together(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame *frame, uint32_t points, LLVMValueRef first, LLVMValueRef until) {
    tg_x86 *x = w->x;
    tg_x86_nest_loop l;
    LLVMValueRef k = tg_x86_open_loop(x, &l, first, until, points);
    tg_x86_frame *inside[TG_X86_MAX_POINTS];
    for (uint32_t u = 0; u < points; u++) {
        tg_x86_bind_point(x, &inside[u], frame, a, LLVMBuildAdd(x->builder, k, tg_llvm_i64(x->l, u), ""), NULL);
    }
    tg_x86_walk_level(w, i + 1, inside, points);
    tg_x86_close_loop(x, &l);
}

/* Single elements that are changed one after the other, unlocked: with a test of each place the loop itself takes as long. */
static uint32_t updates_at_once(const tg_x86_nest_walk *w, uint32_t i, const tg_axis *a, uint32_t n) {
    const tg_x86_nest *nest = w->n;
    int64_t bound = w->x->ranges[a->rank].bound;
    bool last = i + 1 == nest->n_outer && nest->n_inner == 0 && n == 1;
    bool alone = nest->roots.len == 1 && nest->roots.data[0].kind == TG_X86_ROOT_ATOMIC && w->x->alone;
    bool may = last && alone && nest->light && !nest->vector && !nest->tile && !w->x->options->baseline && (!bound || bound >= UPDATES_AT_ONCE);
    return may ? UPDATES_AT_ONCE : 1;
}

static void scalar_loop(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n) {
    LLVMBuilderRef b = w->x->builder;
    const tg_x86_range *r = &w->x->ranges[a->rank];
    LLVMValueRef first = r->first;
    uint32_t points = i >= INNER ? w->at_once : updates_at_once(w, i, a, n);
    if (points > 1) { /* of the inner loop, as many as there are accumulators */
        first = LLVMBuildAdd(b, first, LLVMBuildAnd(b, r->size, tg_llvm_i64(w->x->l, -(int64_t)points), ""), "");
        points_together(w, i, a, frames[0], points, r->first, first);
    }
    tg_x86_point_loop(w, i, a, frames, n, first, LLVMBuildAdd(b, r->first, r->size, ""));
}

static void unrolled_loop(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n) {
    tg_x86 *x = w->x;
    int64_t first = 0, size = 0;
    bool known = tg_llvm_is_const(x->ranges[a->rank].first, &first) && tg_llvm_is_const(x->ranges[a->rank].size, &size);
    for (int64_t k = first; known && k < first + size; k++) {
        tg_x86_frame *inside[TG_X86_MAX_POINTS];
        for (uint32_t u = 0; u < n; u++) {
            tg_x86_bind_point(x, &inside[u], frames[u], a, tg_llvm_i64(x->l, k), NULL);
        }
        x->window_row += i + 1 < INNER + w->n->n_outer + w->n->n_inner;
        tg_x86_walk_level(w, i + 1, inside, n);
    }
}

/* The points first + [0, n) of the tile axis, for each of the frames, in a branch of its own. */
static void tile_points(tg_x86_nest_walk *w, uint32_t i, LLVMValueRef first, uint32_t points, tg_x86_frame **frames, uint32_t n) {
    tg_x86 *x = w->x;
    tg_x86_place here = {LLVMGetInsertBlock(x->builder)}, *outside = x->place;
    tg_x86_frame *inside[TG_X86_MAX_POINTS];
    x->place = &here;
    for (uint32_t u = 0; u < n * points; u++) {
        LLVMValueRef at = LLVMBuildAdd(x->builder, first, tg_llvm_i64(x->l, u % points), "");
        tg_x86_bind_point(x, &inside[u], frames[u / points], w->n->tile, at, NULL);
        x->tile_at[u % points] = at;
    }
    tg_x86_walk_level(w, i + 1, inside, n * points);
    x->place = outside;
}

/* Whole tiles of points, without tests if they are inside all tensors; the rest one by one:
 *
 *   while k < until:  if k + T <= until: { if all are inside: k … k + T - 1, untested   else: these, tested }  k += T
 *                     else: k  k += 1
 *
 * If points may be repeated, the last tile begins earlier instead, unless there are too few for one. A matrix is turned over where it has rows in
 * memory, else point by point. */
static void tile_body(tg_x86_nest_walk *w, uint32_t i, LLVMValueRef k, LLVMValueRef until, LLVMValueRef slot, tg_x86_frame **frames, uint32_t n) {
    tg_x86 *x = w->x;
    LLVMBuilderRef b = x->builder;
    uint32_t points = w->n->tile_points;
    LLVMValueRef last = LLVMBuildAdd(b, k, tg_llvm_i64(x->l, points - 1), "");
    LLVMValueRef box = tg_x86_box_holds(x, w->n, frames[0], frames[n - 1], k, last);
    tg_x86_frame **within = w->has_band ? w->within : frames;
    box = w->has_band ? box ? LLVMBuildAnd(b, box, w->has_band, "") : w->has_band : box;
    tg_llvm_if whole, inside;
    LLVMValueRef fits = LLVMBuildICmp(b, LLVMIntSLT, last, until, "");
    tg_llvm_if_open(x->l, &whole, w->turns ? LLVMBuildAnd(b, fits, w->turns, "") : fits);
    if (box) {
        tg_llvm_if_open(x->l, &inside, box);
    }
    x->boxed = w->n;
    tile_points(w, i, k, points, frames, n);
    x->boxed = NULL;
    if (box) {
        tg_llvm_if_else(x->l, &inside);
        tile_points(w, i, k, points, within, n);
        tg_llvm_if_close(x->l, &inside);
    }
    LLVMBuildStore(b, LLVMBuildAdd(b, last, tg_llvm_i64(x->l, 1), ""), slot);
    tg_llvm_if_else(x->l, &whole);
    tile_points(w, i, k, 1, within, n);
    LLVMBuildStore(b, LLVMBuildAdd(b, k, tg_llvm_i64(x->l, 1), ""), slot);
    tg_llvm_if_close(x->l, &whole);
}

static void tile_loop(tg_x86_nest_walk *w, uint32_t i, tg_x86_frame **frames, uint32_t n) {
    tg_x86 *x = w->x;
    LLVMBuilderRef b = x->builder;
    const tg_x86_range *r = &x->ranges[w->n->tile->rank];
    LLVMValueRef until = LLVMBuildAdd(b, r->first, r->size, ""), slot = tg_x86_alloca(x, x->l->i64);
    tg_x86_place *outside = x->place, inside;
    w->turns = tg_x86_may_turn(x, w->n);
    outside->at = LLVMGetInsertBlock(b);
    LLVMBasicBlockRef head = tg_llvm_block(x->l), body = tg_llvm_block(x->l), after = tg_llvm_block(x->l);
    LLVMPositionBuilderAtEnd(b, head);
    LLVMValueRef k = LLVMBuildLoad2(b, x->l->i64, slot, "");
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntSLT, k, until, ""), body, after);
    LLVMPositionBuilderAtEnd(b, body);
    if (w->n->repeats) {
        LLVMValueRef points = tg_llvm_i64(x->l, w->n->tile_points);
        LLVMValueRef fits = LLVMBuildICmp(b, LLVMIntSGE, r->size, points, "");
        fits = w->turns ? LLVMBuildAnd(b, fits, w->turns, "") : fits;
        k = tg_llvm_min64(x->l, k, LLVMBuildSelect(b, fits, LLVMBuildSub(b, until, points, ""), until, ""));
    }
    inside.at = body;
    x->place = &inside;
    tile_body(w, i, k, until, slot, frames, n);
    LLVMBuildBr(b, head);
    LLVMPositionBuilderAtEnd(b, outside->at);
    LLVMBuildStore(b, r->first, slot);
    LLVMBuildBr(b, head);
    LLVMPositionBuilderAtEnd(b, after);
    x->place = outside;
    x->place->at = after;
}

/* Points of the axis around the tile's, together: the last ones begin earlier, and where there are too few the last is repeated. */
static void band_loop(tg_x86_nest_walk *w, uint32_t i, tg_x86_frame *frame) {
    tg_x86 *x = w->x;
    LLVMBuilderRef b = x->builder;
    tg_axis *a = w->n->band;
    uint32_t points = w->n->band_points;
    const tg_x86_range *r = &x->ranges[a->rank];
    LLVMValueRef width = tg_llvm_i64(x->l, points), until = LLVMBuildAdd(b, r->first, r->size, "");
    LLVMValueRef last = LLVMBuildSub(b, until, tg_llvm_i64(x->l, 1), "");
    w->has_band = LLVMBuildICmp(b, LLVMIntSGE, r->size, width, "");
    LLVMValueRef latest = LLVMBuildSelect(b, w->has_band, LLVMBuildSub(b, until, width, ""), r->first, "");
    tg_x86_nest_loop l;
    LLVMValueRef k = tg_x86_open_loop(x, &l, r->first, until, points);
    tg_x86_frame *inside[TG_X86_MAX_POINTS];
    k = tg_llvm_min64(x->l, k, latest);
    for (uint32_t u = 0; u < points; u++) {
        LLVMValueRef at = LLVMBuildAdd(b, k, tg_llvm_i64(x->l, u), "");
        tg_x86_bind_point(x, &inside[u], frame, a, at, NULL);
        tg_x86_bind_point(x, &w->within[u], frame, a, tg_llvm_min64(x->l, at, last), NULL);
    }
    tile_loop(w, i + 1, inside, points);
    tg_x86_close_loop(x, &l);
    w->has_band = NULL;
}

/* Lanes over two axes, the inner one: all points. What is left over of the partner has lanes along the vector axis only. */
static void inner_run(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n) {
    tg_x86 *x = w->x;
    tg_x86_frame *inside[TG_X86_MAX_POINTS];
    LLVMValueRef first = x->ranges[a->rank].first, index = x->run ? tg_x86_run_index(x, first, true) : first;
    for (uint32_t u = 0; u < n; u++) {
        tg_x86_bind_point(x, &inside[u], frames[u], a, index, x->run ? NULL : tg_llvm_i64(x->l, 1));
    }
    tg_x86_walk_level(w, i + 1, inside, n);
}

/* The other one: some points at a time, as long as there are enough. */
static void outer_runs(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n) {
    tg_x86 *x = w->x;
    const tg_x86_range *r = &x->ranges[a->rank];
    unsigned lanes = x->lanes, run = x->run, share = lanes / run;
    LLVMValueRef until = LLVMBuildAdd(x->builder, r->first, r->size, "");
    LLVMValueRef whole = LLVMBuildAdd(x->builder, r->first, tg_llvm_i64(x->l, r->bound / share * share), "");
    tg_x86_nest_loop l;
    LLVMValueRef index = tg_x86_run_index(x, tg_x86_open_loop(x, &l, r->first, whole, share), false);
    tg_x86_frame *inside[TG_X86_MAX_POINTS];
    for (uint32_t u = 0; u < n; u++) {
        tg_x86_bind_point(x, &inside[u], frames[u], a, index, NULL);
    }
    tg_x86_walk_level(w, i + 1, inside, n);
    tg_x86_close_loop(x, &l);
    if (r->bound % share) {
        x->lanes = run;
        x->run = 0;
        tg_x86_point_loop(w, i, a, frames, n, whole, until);
        x->lanes = lanes;
        x->run = run;
    }
}

/* All points of the axis of channels, for each of the frames. */
static void channel_points(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n) {
    tg_x86 *x = w->x;
    tg_x86_frame *inside[TG_X86_MAX_POINTS];
    uint32_t channels = (uint32_t)x->ranges[a->rank].bound;
    for (uint32_t u = 0; u < n * channels; u++) {
        tg_x86_bind_point(x, &inside[u], frames[u / channels], a, tg_llvm_i64(x->l, u % channels), NULL);
    }
    tg_x86_walk_level(w, i + 1, inside, n * channels);
}

/* Vectors at the borders are few, and their tests are much code: they keep their loops. */
static bool has_loop(const tg_x86 *x, const tg_x86_nest *n, uint32_t axis) {
    return axis < n->n_outer + n->n_inner - n->unrolled || (n->bordered.len && x->interior != n);
}

void tg_x86_walk_level(tg_x86_nest_walk *w, uint32_t i, tg_x86_frame **frames, uint32_t n) {
    const tg_x86_nest *nest = w->n;
    bool opened = i >= INNER;
    uint32_t k = opened ? i - INNER : i;
    if (!opened && k == nest->n_outer) {
        inner_part(w, frames, n);
    } else if (k == nest->n_outer + nest->n_inner) {
        run_roots(w, frames, n, false);
    } else if (nest->partner && (axis_at(nest, k) == nest->vector || axis_at(nest, k) == nest->partner)) {
        bool inner = (axis_at(nest, k) == nest->partner) == nest->rows;
        (inner ? inner_run : outer_runs)(w, i, axis_at(nest, k), frames, n);
    } else if (axis_at(nest, k) == nest->vector) {
        tg_x86_vector_loops(w, i, nest->vector, frames, n);
    } else if (axis_at(nest, k) == nest->channels) {
        channel_points(w, i, nest->channels, frames, n);
    } else if (!has_loop(w->x, nest, k)) {
        unrolled_loop(w, i, axis_at(nest, k), frames, n);
    } else if (axis_at(nest, k) == nest->tile) {
        tile_loop(w, i, frames, n);
    } else if (axis_at(nest, k) == nest->band) {
        band_loop(w, i, frames[0]);
    } else {
        scalar_loop(w, i, axis_at(nest, k), frames, n);
    }
}

static void reserve_buffers(tg_x86 *x, tg_x86_nest *n) {
    for (uint32_t i = 0; i < n->roots.len; i++) {
        tg_x86_root *r = &n->roots.data[i];
        if (r->to) {
            tg_x86_buffer_reserve(x, r->to);
        }
        for (uint32_t k = 0; r->op && k < r->op->n_results; k++) {
            tg_value *v = tg_result(r->op, k);
            if (v->type->n_axes == 0 || r->transient) {
                continue;
            }
            if (!x->buffers[v->id]) {
                x->buffers[v->id] = tg_x86_buffer_create(x, v->type, tg_x86_dot_innermost(x, v, n->vector));
            }
            tg_x86_buffer_reserve(x, x->buffers[v->id]);
        }
    }
}

/* ---- roots that run after the reductions ---------------------------------------------------------------- */

static tg_x86_nest *bare_copy(tg_x86 *x, const tg_x86_nest *n) {
    tg_x86_nest *c = TG_NEW(x->arena, tg_x86_nest);
    *c = *n;
    c->roots.data = NULL;
    c->roots.len = 0;
    c->roots.cap = 0;
    return c;
}

/* The roots of `n` that run inside its reductions, or those after, as a nest of their own. */
static tg_x86_nest *part_of(tg_x86 *x, const tg_x86_nest *n, bool after) {
    tg_x86_nest *part = bare_copy(x, n);
    part->n_inner = after ? 0 : n->n_inner;
    for (uint32_t i = 0; i < n->roots.len; i++) {
        tg_x86_root r = n->roots.data[i];
        if (r.after == after) {
            r.after = false;
            r.transient = r.transient && r.kind == TG_X86_ROOT_FILL; /* the other part reads it */
            tg_vec_push(x->arena, &part->roots, r);
        }
    }
    return part;
}

/* Loads at the border of an image read a row of zeros; see access.c. */
static void open_zeros(tg_x86 *x, const tg_x86_nest *n) {
    enum { MOST = 1024 };
    const tg_x86_range *r = n->vector ? &x->ranges[n->vector->rank] : NULL;
    if (!n->boxed.len || !r->bound || r->bound > MOST) {
        return;
    }
    LLVMTypeRef type = tg_llvm_wide(x->l->f32, x->lanes);
    int64_t offset = (x->scratch_bytes + 63) / 64 * 64;
    x->scratch_bytes = offset + (r->bound + x->lanes) * 4;
    x->zeros = tg_llvm_gep(x->l, x->l->i8, x->scratch, tg_llvm_i64(x->l, offset));
    x->zeroed = n->vector;
    tg_x86_nest_loop l;
    LLVMValueRef i = tg_x86_open_loop(x, &l, tg_llvm_i64(x->l, 0), r->size, x->lanes);
    tg_llvm_store(x->l, LLVMConstNull(type), tg_llvm_gep(x->l, x->l->f32, x->zeros, i), 4);
    tg_x86_close_loop(x, &l);
}

static void emit_loops(tg_x86 *x, tg_x86_nest *n) {
    bool chain = n->roots.data[0].kind == TG_X86_ROOT_SET;
    if (chain) {
        tg_x86_open_chain(x, n);
    }
    tg_x86_describe_nest(x, n);
    x->lanes = n->vector ? n->lanes : 1;
    x->run = n->partner ? (unsigned)x->ranges[(n->rows ? n->partner : n->vector)->rank].bound : 0;
    x->reads_constants = n->long_chain && n->vector && !x->machine->has_masks;
    x->recent = (tg_x86_recent){0};
    x->multiples = tg_map_create(x->arena);
    if (!chain) {
        reserve_buffers(x, n);
    }
    tg_x86_nest_walk w = {.x = x, .n = n, .stream = tg_x86_stream_test(x, n), .again = tg_x86_open_stored(x, n)};
    open_zeros(x, n);
    x->pass++;
    x->fills = false;
    for (uint32_t i = 0; i < n->roots.len; i++) {
        x->fills |= n->roots.data[i].kind == TG_X86_ROOT_FILL && n->roots.data[i].op && !n->roots.data[i].after;
    }
    for (uint32_t i = 0; i < n->n_inner; i++) {
        w.vector_inside |= n->inner[i] == n->vector;
    }
    tg_x86_frame *f = tg_x86_frame_create(x, x->root, x->place);
    if (chain) {
        tg_x86_eager_open(x, n);
    }
    tg_x86_flat flat;
    tg_x86_open_flat(x, n, &flat);
    tg_x86_walk_level(&w, 0, &f, 1);
    tg_x86_close_flat(x, &flat);
    x->lanes = 1;
    x->run = 0;
    x->reads_constants = false;
    x->zeros = NULL;
    x->reads_back = false;
    if (!x->stretch) { /* the values of a stretch are not those of another */
        tg_x86_note_stored(x, n, w.stream);
    }
    if (chain) {
        tg_x86_eager_close(x);
        tg_x86_close_chain(x, n);
    }
}

/* All roots in the same loops. */
static void emit_whole(tg_x86 *x, tg_x86_nest *n) {
    tg_x86_choose_vector(x, n);
    tg_x86_nest *copy = bare_copy(x, n);
    copy->roots = n->roots;
    tg_x86_choose_interior(x, copy);
    tg_x86_choose_tile(x, copy);
    tg_x86_choose_turn(x, copy);
    emit_loops(x, copy);
}

/* What follows reductions runs in their lanes if these are along an axis of the results and suit it, else in loops of its own. */
void tg_x86_emit_nest(tg_x86 *x, tg_x86_nest *n) {
    if (n->dot) {
        tg_x86_describe_nest(x, n);
        tg_x86_emit_dot(x, n->dot);
        return;
    }
    if (tg_x86_dot_lay_across(x, n)) {
        tg_x86_describe_nest(x, n);
        return;
    }
    if (n->roots.len > TG_X86_MAX_ROOTS) {
        tg_x86_refuse(x, n->roots.data[0].op, "shares its loops with too many others");
    }
    x->columns = NULL;
    x->turned = NULL;
    if (!n->roots.data[n->roots.len - 1].after) {
        if (!tg_x86_emit_stretches(x, n, emit_whole)) {
            emit_whole(x, n);
        }
        return;
    }
    tg_x86_nest *inside = part_of(x, n, false), *rest = part_of(x, n, true);
    tg_x86_choose_vector(x, inside);
    bool together = inside->vector && tg_axes_contain(inside->outer, inside->n_outer, inside->vector) && tg_x86_suits_vector(x, rest, inside->vector);
    if (together) {
        inside->roots = n->roots;
    }
    tg_x86_choose_interior(x, inside);
    tg_x86_choose_tile(x, inside);
    emit_loops(x, inside);
    if (!together) {
        tg_x86_emit_nest(x, rest);
    }
}
