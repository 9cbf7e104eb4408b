/* The loops over the vector axis of a nest: see nest.c. */
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"
#include "targets/x86/nest/walk.h"

static LLVMValueRef tail_mask(tg_x86 *x, LLVMValueRef left) {
    LLVMValueRef ids[64];
    for (unsigned i = 0; i < x->lanes; i++) {
        ids[i] = tg_llvm_i32(x->l, i);
    }
    left = tg_llvm_min64(x->l, left, tg_llvm_i64(x->l, x->lanes)); /* so that the comparison may be a signed one: AVX2 has no other */
    LLVMValueRef n = tg_llvm_splat(x->l, LLVMBuildTrunc(x->builder, left, x->l->i32, ""), x->lanes);
    return LLVMBuildICmp(x->builder, LLVMIntSLT, LLVMConstVector(ids, x->lanes), n, "");
}

/* `unroll` vectors from index k on, for each of the frames. */
static void bind_vectors(const tg_x86_nest_walk *w, tg_x86_frame **inside, tg_x86_frame **frames, uint32_t n, tg_axis *a, LLVMValueRef k,
                         uint32_t unroll) {
    tg_x86 *x = w->x;
    bool down = w->n->reverse && w->vector_inside;
    for (uint32_t u = 0; u < n * unroll; u++) {
        LLVMValueRef at = LLVMBuildAdd(x->builder, k, tg_llvm_i64(x->l, (int64_t)(u % unroll) * x->lanes), "");
        at = down ? tg_x86_mirrored(x, &x->ranges[a->rank], at) : at;
        tg_x86_bind_point(x, &inside[u], frames[u / unroll], a, at, tg_llvm_i64(x->l, down ? -1 : 1));
    }
}

/* An interval of the vector axis. */
typedef struct stretch {
    LLVMValueRef from, until;
} stretch;

static void full_vectors_here(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n, stretch p) {
    tg_x86 *x = w->x;
    uint32_t unroll = w->n->unroll;
    tg_x86_frame *inside[TG_X86_MAX_POINTS];
    tg_x86_nest_loop l;
    LLVMValueRef k = tg_x86_open_loop(x, &l, p.from, p.until, (int64_t)x->lanes * unroll);
    tg_x86_note_multiple(x, k, x->ranges[a->rank].first);
    bind_vectors(w, inside, frames, n, a, k, unroll);
    x->ahead = tg_x86_ahead_of(x, w->n, x->stream);
    tg_x86_walk_level(w, i + 1, inside, n * unroll);
    x->ahead = (tg_x86_ahead){0};
    tg_x86_close_loop(x, &l);
}

/* One of two versions, in a block of its own: code for the loops around it still goes before the branch. */
static LLVMBasicBlockRef version(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n, stretch p, LLVMBasicBlockRef after) {
    tg_x86 *x = w->x;
    LLVMBasicBlockRef begin = tg_llvm_block(x->l);
    tg_x86_place *outside = x->place;
    tg_x86_place *place = TG_NEW(x->arena, tg_x86_place);
    place->at = begin;
    x->place = place;
    LLVMPositionBuilderAtEnd(x->builder, begin);
    full_vectors_here(w, i, a, frames, n, p);
    LLVMBuildBr(x->builder, after);
    x->place = outside;
    return begin;
}

static void full_vectors(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n, stretch p) {
    tg_x86 *x = w->x;
    LLVMValueRef test = w->stream ? w->stream : w->again;
    bool reads_back = x->reads_back;
    if (!test) {
        full_vectors_here(w, i, a, frames, n, p);
        return;
    }
    LLVMBasicBlockRef after = tg_llvm_block(x->l);
    x->place->at = LLVMGetInsertBlock(x->builder);
    x->stream = test == w->stream;
    x->reads_back = false;
    LLVMBasicBlockRef past = version(w, i, a, frames, n, p, after);
    x->stream = false;
    x->reads_back = reads_back;
    LLVMBasicBlockRef plain = version(w, i, a, frames, n, p, after);
    LLVMPositionBuilderAtEnd(x->builder, x->place->at);
    LLVMBuildCondBr(x->builder, test, past, plain);
    LLVMPositionBuilderAtEnd(x->builder, after);
    x->place->at = after;
}

/* The largest multiple of `step` up to `size`, from `first` on. */
static LLVMValueRef whole_steps(tg_x86 *x, LLVMValueRef first, LLVMValueRef size, int64_t step) {
    return LLVMBuildAdd(x->builder, first, LLVMBuildAnd(x->builder, size, tg_llvm_i64(x->l, -step), ""), "");
}

/* What is done where the points left are fewer than the lanes. */
typedef enum tail { WHOLE, MASKED, OVERLAPPED } tail;

/* One vector per iteration. The last one is under a mask, or begins earlier, at points that have had their turn. */
static void single_vectors(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n, stretch p, tail t) {
    tg_x86 *x = w->x;
    const tg_x86_range *r = &x->ranges[a->rank];
    tg_x86_frame *inside[TG_X86_MAX_POINTS];
    tg_x86_nest_loop l;
    LLVMValueRef k = tg_x86_open_loop(x, &l, p.from, p.until, x->lanes), mask = NULL;
    if (t == OVERLAPPED) {
        LLVMValueRef end = LLVMBuildAdd(x->builder, r->first, r->size, "");
        k = tg_llvm_min64(x->l, k, LLVMBuildSub(x->builder, end, tg_llvm_i64(x->l, x->lanes), ""));
    } else {
        tg_x86_note_multiple(x, k, r->first);
        mask = t == MASKED ? tail_mask(x, LLVMBuildSub(x->builder, p.until, k, "")) : NULL;
    }
    bind_vectors(w, inside, frames, n, a, k, 1);
    for (uint32_t u = 0; u < n && mask; u++) {
        tg_x86_frame_mask(x, inside[u], mask);
    }
    tg_x86_walk_level(w, i + 1, inside, n);
    tg_x86_close_loop(x, &l);
}

/* Is the root's second turn at a point nothing but its first again? An assignment never reads what its chain writes. */
static bool may_repeat(const tg_x86 *x, const tg_x86_root *r) {
    bool value = r->transient && (r->kind == TG_X86_ROOT_REDUCE || r->kind == TG_X86_ROOT_FILL);
    bool store = r->kind == TG_X86_ROOT_STORE && !tg_operand(r->op, 0)->def;
    return value || r->kind == TG_X86_ROOT_SET || (store && !tg_x86_op_reads(x, r->op, tg_operand(r->op, 0)));
}

bool tg_x86_may_overlap(const tg_x86 *x, const tg_x86_nest *n) {
    bool may = x->unit && !x->options->baseline && !n->tile && !n->partner;
    may = may && tg_axes_contain(n->outer, n->n_outer, n->vector);
    for (uint32_t i = 0; i < n->roots.len && may; i++) {
        may = may_repeat(x, &n->roots.data[i]);
    }
    return may;
}

/* A store under a mask is many instructions inside where there are no registers for masks. */
static bool overlaps_rest(const tg_x86 *x, const tg_x86_nest *n) {
    return !x->machine->has_masks && tg_x86_may_overlap(x, n);
}

/* A branch of its own for code that opens loops: what is the same for all of them still goes before the branch. */
static void open_place(tg_x86 *x, tg_x86_place *p, LLVMBasicBlockRef at) {
    p->at = at;
    x->place = p;
    LLVMPositionBuilderAtEnd(x->builder, at);
}

/* What is left of the axis, or lies at the borders of the interior: fewer points than full vectors take. */
static void last_vectors(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n, stretch p) {
    tg_x86 *x = w->x;
    LLVMBuilderRef b = x->builder;
    LLVMValueRef enough = LLVMBuildICmp(b, LLVMIntSGE, x->ranges[a->rank].size, tg_llvm_i64(x->l, x->lanes), "");
    int64_t known;
    bool decided = tg_llvm_is_const(enough, &known), overlaps = overlaps_rest(x, w->n);
    if (!overlaps || decided) {
        single_vectors(w, i, a, frames, n, p, overlaps && known ? OVERLAPPED : MASKED);
        return;
    }
    LLVMBasicBlockRef after = tg_llvm_block(x->l), branch[] = {tg_llvm_block(x->l), tg_llvm_block(x->l)};
    tg_x86_place *outside = x->place, place[2];
    outside->at = LLVMGetInsertBlock(b);
    for (int k = 0; k < 2; k++) {
        open_place(x, &place[k], branch[k]);
        single_vectors(w, i, a, frames, n, p, k ? MASKED : OVERLAPPED);
        LLVMBuildBr(b, after);
    }
    LLVMPositionBuilderAtEnd(b, outside->at);
    LLVMBuildCondBr(b, enough, branch[0], branch[1]);
    LLVMPositionBuilderAtEnd(b, after);
    x->place = outside;
    x->place->at = after;
}

/* Where the steps of the interior begin and end; nothing if there is none. They begin at a whole vector of the axis. */
static stretch interior_steps(tg_x86_nest_walk *w, tg_axis *a, const tg_x86_frame *f, LLVMValueRef until, LLVMValueRef *any) {
    tg_x86 *x = w->x;
    LLVMBuilderRef b = x->builder;
    LLVMValueRef first = x->ranges[a->rank].first, lo = first, hi = until;
    tg_x86_interior_of(x, w->n, f, &lo, &hi);
    LLVMValueRef before = LLVMBuildAdd(b, LLVMBuildSub(b, lo, first, ""), tg_llvm_i64(x->l, x->lanes - 1), "");
    stretch p = {whole_steps(x, first, before, x->lanes), NULL};
    p.until = whole_steps(x, p.from, LLVMBuildSub(b, hi, p.from, ""), (int64_t)x->lanes * w->n->unroll);
    *any = LLVMBuildICmp(b, LLVMIntSGT, p.until, p.from, "");
    return p;
}

/* Vectors before the interior, the interior, vectors after it; those at the borders are one loop that runs twice:
 *
 *   part = [first, interior or end)
 *   edges:  vectors of part, under masks;  until the end: done   else: the interior,  part = [its end, end), again */
static void bordered_vectors(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n, LLVMValueRef until) {
    tg_x86 *x = w->x;
    LLVMBuilderRef b = x->builder;
    LLVMValueRef slots[] = {tg_x86_alloca(x, x->l->i64), tg_x86_alloca(x, x->l->i64)}, any;
    stretch inner = interior_steps(w, a, frames[0], until, &any);
    LLVMValueRef head = LLVMBuildSelect(b, any, inner.from, until, "");
    LLVMBasicBlockRef edges = tg_llvm_block(x->l), middle = tg_llvm_block(x->l), after = tg_llvm_block(x->l);
    tg_x86_place *outside = x->place, here, there;
    outside->at = LLVMGetInsertBlock(b);
    open_place(x, &here, edges);
    stretch p = {LLVMBuildLoad2(b, x->l->i64, slots[0], ""), LLVMBuildLoad2(b, x->l->i64, slots[1], "")};
    x->lanes = w->n->narrow;
    last_vectors(w, i, a, frames, n, p);
    x->lanes = w->n->lanes;
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntEQ, p.until, until, ""), after, middle);
    open_place(x, &there, middle);
    x->interior = w->n;
    full_vectors(w, i, a, frames, n, inner);
    x->interior = NULL;
    LLVMBuildStore(b, inner.until, slots[0]);
    LLVMBuildStore(b, until, slots[1]);
    LLVMBuildBr(b, edges);
    LLVMPositionBuilderAtEnd(b, outside->at);
    LLVMBuildStore(b, x->ranges[a->rank].first, slots[0]);
    LLVMBuildStore(b, head, slots[1]);
    LLVMBuildBr(b, edges);
    LLVMPositionBuilderAtEnd(b, after);
    x->place = outside;
    x->place->at = after;
}

/* Work that is done once a row has as many points as an instance has rows, often one. Its operand has just been written and its
 * result is read next: a masked access waits for both to reach the cache, where one of a single point is passed on. */
static bool rest_is_points(tg_x86 *x, const tg_x86_nest *n) {
    bool plain = n->n_outer == 1 && n->n_inner == 0;
    for (uint32_t i = 0; plain && i < n->roots.len; i++) {
        plain = n->roots.data[i].kind == TG_X86_ROOT_FILL || n->roots.data[i].kind == TG_X86_ROOT_STORE;
    }
    return plain && tg_x86_is_few_rows(x, n->vector);
}

void tg_x86_vector_loops(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n) {
    tg_x86 *x = w->x;
    const tg_x86_range *r = &x->ranges[a->rank];
    int64_t step = (int64_t)x->lanes * w->n->unroll, left;
    LLVMValueRef until = LLVMBuildAdd(x->builder, r->first, r->size, ""), middle = r->first;
    bool has_steps = !r->bound || r->bound >= step;
    if (w->n->overlaps) {
        single_vectors(w, i, a, frames, n, (stretch){r->first, until}, OVERLAPPED);
        return;
    }
    if (has_steps && w->n->bordered.len) {
        bordered_vectors(w, i, a, frames, n, until);
        return;
    }
    if (has_steps) {
        middle = whole_steps(x, r->first, r->size, step);
        full_vectors(w, i, a, frames, n, (stretch){r->first, middle});
    }
    if (tg_llvm_is_const(LLVMBuildSub(x->builder, until, middle, ""), &left) && left == 0) {
        return;
    }
    x->lanes = w->n->narrow;
    /* A store under a mask takes as long as several without; of a segment, the rest is most. */
    bool one_by_one = (!x->machine->has_masks || w->n->segment) && step > x->lanes;
    if ((w->n->narrow < w->n->lanes || one_by_one) && !overlaps_rest(x, w->n)) {
        LLVMValueRef end = whole_steps(x, r->first, r->size, x->lanes);
        single_vectors(w, i, a, frames, n, (stretch){middle, end}, WHOLE);
        middle = end;
    }
    if (rest_is_points(x, w->n)) {
        x->lanes = 1;
        tg_x86_point_loop(w, i, a, frames, n, middle, until);
    } else {
        last_vectors(w, i, a, frames, n, (stretch){middle, until});
    }
    x->lanes = w->n->lanes;
}
