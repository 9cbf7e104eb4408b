/* Emission of one register tile of a contraction; see dot_kernel.h. */
#include "targets/x86/dot/dot_kernel.h"

#include <string.h>

#define MAX_ACC (TG_DOT_MAX_ROWS * TG_DOT_MAX_VECS)

typedef struct emission {
    tg_llvm *l;
    tg_dot_tile *t;
    LLVMTypeRef vector;
    unsigned n_acc;
} emission;

/* The state that runs through the loops: where both sides stand, and the accumulators. */
typedef struct state {
    LLVMValueRef vector_at, row_offset;
    LLVMValueRef request; /* an address whose line is requested with this step; null: none is, or some of the vector side are */
    LLVMValueRef copy; /* where the step's line goes; null: nowhere */
    LLVMValueRef acc[MAX_ACC];
} state;

static LLVMValueRef byte_gep(tg_llvm *l, LLVMValueRef base, LLVMValueRef bytes) {
    return LLVMBuildInBoundsGEP2(l->builder, l->i8, base, &bytes, 1, "");
}

/* An intrinsic of x86 with operands given as vectors of words. */
static LLVMValueRef call_words(tg_llvm *l, const char *name, LLVMValueRef *args, unsigned n) {
    LLVMValueRef f = LLVMGetIntrinsicDeclaration(l->module, LLVMLookupIntrinsicID(name, strlen(name)), NULL, 0);
    for (unsigned i = 0; i < n; i++) {
        args[i] = LLVMBuildBitCast(l->builder, args[i], LLVMTypeOf(LLVMGetParam(f, i)), "");
    }
    return LLVMBuildCall2(l->builder, LLVMGlobalGetValueType(f), f, args, n, "");
}

/* Sums of two or four products of the parts of each word; names by lanes: 8, 16. */
LLVMValueRef tg_x86_dot_multiply_groups(tg_llvm *l, tg_dot_multiply multiply, LLVMValueRef row, LLVMValueRef columns, LLVMValueRef sum) {
    static const char *const pairs[] = {"llvm.x86.avx2.pmadd.wd", "llvm.x86.avx512.pmaddw.d.512"};
    static const char *const quads[] = {"llvm.x86.avx512.vpdpbusd.256", "llvm.x86.avx512.vpdpbusd.512"};
    unsigned width = tg_llvm_lanes(sum) == 16;
    if (multiply == TG_DOT_PAIRS_BF16) {
        return call_words(l, "llvm.x86.avx512bf16.dpbf16ps.512", (LLVMValueRef[]){sum, row, columns}, 3);
    }
    if (multiply == TG_DOT_PAIRS) {
        return LLVMBuildAdd(l->builder, call_words(l, pairs[width], (LLVMValueRef[]){row, columns}, 2), sum, "");
    }
    bool unsigned_row = multiply == TG_DOT_QUADS_UNSIGNED_ROW; /* the second operand is unsigned */
    return call_words(l, quads[width], (LLVMValueRef[]){sum, unsigned_row ? row : columns, unsigned_row ? columns : row}, 3);
}

LLVMValueRef tg_x86_dot_multiply_add(tg_llvm *l, LLVMTypeRef elem, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c) {
    return elem == l->i32 ? LLVMBuildAdd(l->builder, LLVMBuildMul(l->builder, a, b, ""), c, "")
                          : tg_llvm_call3(l, "llvm.fma", a, b, c);
}

static LLVMValueRef multiply_add(emission *e, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c) {
    if (e->t->multiply != TG_DOT_PLAIN) {
        return tg_x86_dot_multiply_groups(e->l, e->t->multiply, a, b, c);
    }
    return tg_x86_dot_multiply_add(e->l, e->t->elem, a, b, c);
}

static unsigned elem_bytes(const emission *e) {
    return e->t->elem == e->l->f64 ? 8 : 4;
}

/* Elements that one instruction multiplies in each lane. */
static unsigned members_of(tg_dot_multiply multiply) {
    switch (multiply) {
    case TG_DOT_PAIRS:
    case TG_DOT_PAIRS_BF16:
        return 2;
    case TG_DOT_QUADS_UNSIGNED_ROW:
    case TG_DOT_QUADS_SIGNED_ROW:
        return 4;
    case TG_DOT_PLAIN:
        break;
    }
    return 1;
}

unsigned tg_x86_dot_column_bytes(tg_dot_multiply multiply, tg_dtype stored, unsigned word) {
    return stored ? (unsigned)tg_dtype_size(stored) * members_of(multiply) : word;
}

static unsigned column_bytes(const emission *e) {
    return tg_x86_dot_column_bytes(e->t->multiply, e->t->stored, elem_bytes(e));
}

/* Vector v of the line at `at`. */
static LLVMValueRef vector_of(const emission *e, LLVMValueRef at, unsigned v) {
    return byte_gep(e->l, at, tg_llvm_i64(e->l, (int64_t)v * e->t->lanes * column_bytes(e)));
}

/* Words of elements that are narrower in memory: f32 of halves, pairs of 16 bits of bytes. */
static LLVMValueRef load_narrow(emission *e, LLVMValueRef p) {
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    tg_dtype t = e->t->stored;
    unsigned size = (unsigned)tg_dtype_size(t), n = e->t->lanes * members_of(e->t->multiply);
    LLVMValueRef v = tg_llvm_load(l, tg_llvm_wide(t == TG_F16 ? l->f16 : size == 1 ? l->i8 : l->i16, n), p, size);
    if (t == TG_F16) {
        return LLVMBuildFPExt(b, v, e->vector, "");
    }
    if (t == TG_BF16) {
        v = LLVMBuildZExt(b, v, tg_llvm_wide(l->i32, n), "");
        v = LLVMBuildShl(b, v, tg_llvm_int(LLVMTypeOf(v), 16), "");
    } else if (tg_dtype_kind_of(t) == TG_KIND_SINT) {
        v = LLVMBuildSExt(b, v, tg_llvm_wide(l->i16, n), "");
    } else {
        v = LLVMBuildZExt(b, v, tg_llvm_wide(l->i16, n), "");
    }
    return LLVMBuildBitCast(b, v, e->vector, "");
}

static LLVMValueRef load_vector(emission *e, LLVMValueRef at, unsigned v) {
    LLVMValueRef p = vector_of(e, at, v);
    if (e->t->stored) {
        return load_narrow(e, p);
    }
    if (e->t->masks[v]) {
        return tg_llvm_masked_load(e->l, e->vector, p, elem_bytes(e), e->t->masks[v]);
    }
    return tg_llvm_load(e->l, e->vector, p, elem_bytes(e));
}

/* Lines that are needed soon. */
static void request_lines(emission *e, LLVMValueRef at) {
    for (unsigned i = 0; i < e->t->vecs * e->t->lanes * column_bytes(e); i += 64) {
        tg_llvm_prefetch(e->l, byte_gep(e->l, at, tg_llvm_i64(e->l, i)), 3);
    }
}

/* What a step requests. To test whether the tile is quiet takes less than the requests, and a loop for either case is twice the code. */
static void emit_requests(emission *e, const state *s) {
    tg_llvm *l = e->l;
    tg_llvm_if c;
    if (e->t->quiet) {
        tg_llvm_if_open(l, &c, LLVMBuildNot(l->builder, e->t->quiet, ""));
    }
    if (s->request && e->t->request_one) {
        tg_llvm_prefetch(l, s->request, 2);
    } else if (s->request) {
        request_lines(e, s->request);
    } else if (e->t->prefetch) {
        request_lines(e, byte_gep(l, s->vector_at, e->t->prefetch));
    }
    if (e->t->quiet) {
        tg_llvm_if_close(l, &c);
    }
}

/* One reduction step: a rank-1 update of the register tile. */
static void emit_step(emission *e, state *s) {
    tg_dot_tile *t = e->t;
    emit_requests(e, s);
    LLVMValueRef columns[TG_DOT_MAX_VECS];
    for (unsigned v = 0; v < t->vecs; v++) {
        columns[v] = load_vector(e, s->vector_at, v);
        if (s->copy) {
            tg_llvm_store(e->l, columns[v], vector_of(e, s->copy, v), elem_bytes(e));
        }
    }
    for (unsigned r = 0; r < t->rows; r++) {
        LLVMValueRef a = tg_llvm_load(e->l, t->elem, byte_gep(e->l, t->row_at[r], s->row_offset), elem_bytes(e));
        LLVMValueRef wide = tg_llvm_splat(e->l, a, t->lanes);
        for (unsigned v = 0; v < t->vecs; v++) {
            LLVMValueRef *acc = &s->acc[r * t->vecs + v];
            *acc = multiply_add(e, wide, columns[v], *acc);
        }
    }
}

static void advance(emission *e, const tg_dot_loop *loop, state *s) {
    s->vector_at = byte_gep(e->l, s->vector_at, loop->vector_step);
    s->row_offset = LLVMBuildAdd(e->l->builder, s->row_offset, loop->row_step, "");
    s->request = s->request ? byte_gep(e->l, s->request, e->t->request_step) : NULL;
    s->copy = s->copy ? vector_of(e, s->copy, e->t->vecs) : NULL;
}

/* More steps than a pair stay apart: there are no registers for what a later one loads. This orders accesses and is no instruction. */
static void keep_apart(tg_llvm *l) {
    LLVMBuildFence(l->builder, LLVMAtomicOrderingSequentiallyConsistent, 1, "");
}

/* Some steps of the innermost loop. */
static void emit_round(emission *e, const tg_dot_loop *loop, unsigned steps, state *s) {
    enum { PAIR = 2 };
    for (unsigned i = 0; i < steps; i++) {
        if (i > 0 && steps > PAIR) {
            keep_apart(e->l);
        }
        state step = *s;
        step.request = i > 0 && e->t->request_one ? NULL : s->request;
        emit_step(e, &step);
        memcpy(s->acc, step.acc, sizeof(LLVMValueRef) * e->n_acc);
        advance(e, loop, s);
    }
}

static LLVMValueRef open_phi(tg_llvm *l, LLVMValueRef from, LLVMBasicBlockRef before) {
    LLVMValueRef phi = LLVMBuildPhi(l->builder, LLVMTypeOf(from), "");
    LLVMAddIncoming(phi, &from, &before, 1);
    return phi;
}

static void close_phi(tg_llvm *l, LLVMValueRef phi, LLVMValueRef next) {
    LLVMBasicBlockRef latch = LLVMGetInsertBlock(l->builder);
    LLVMAddIncoming(phi, &next, &latch, 1);
}

static void emit_loop(emission *e, unsigned level, state *s);

/* Where the requests of the loop end, which never stand still: they count its iterations. Null: there are none. */
static LLVMValueRef end_of_requests(emission *e, const state *s, LLVMValueRef count, unsigned steps) {
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef each = s->request ? LLVMBuildMul(b, e->t->request_step, tg_llvm_i64(e->l, steps), "") : NULL;
    return each ? byte_gep(e->l, s->request, LLVMBuildMul(b, count, each, "")) : NULL;
}

/* `count` > 0 rounds of `steps` iterations of loop `level`, one if it is not the innermost; `s` is its state before and, on return, after the loop. */
static void emit_iterations(emission *e, unsigned level, LLVMValueRef count, unsigned steps, state *s) {
    tg_llvm *l = e->l;
    LLVMValueRef end = end_of_requests(e, s, count, steps);
    LLVMBasicBlockRef before = LLVMGetInsertBlock(l->builder), body = tg_llvm_block(l);
    LLVMBuildBr(l->builder, body);
    LLVMPositionBuilderAtEnd(l->builder, body);
    state phi, next;
    LLVMValueRef counter = end ? NULL : open_phi(l, count, before);
    phi.request = end ? open_phi(l, s->request, before) : NULL;
    phi.vector_at = open_phi(l, s->vector_at, before);
    phi.row_offset = open_phi(l, s->row_offset, before);
    phi.copy = s->copy ? open_phi(l, s->copy, before) : NULL;
    for (unsigned i = 0; i < e->n_acc; i++) {
        phi.acc[i] = open_phi(l, s->acc[i], before);
    }
    next = phi;
    if (level + 1 == e->t->n_loops) {
        emit_round(e, &e->t->loops[level], steps, &next);
    } else {
        state inner = next;
        emit_loop(e, level + 1, &inner);
        memcpy(next.acc, inner.acc, sizeof(LLVMValueRef) * e->n_acc);
        advance(e, &e->t->loops[level], &next);
    }
    LLVMValueRef left = end ? next.request : LLVMBuildNSWSub(l->builder, counter, tg_llvm_i64(l, 1), "");
    LLVMValueRef more = LLVMBuildICmp(l->builder, LLVMIntNE, left, end ? end : tg_llvm_i64(l, 0), "");
    close_phi(l, end ? phi.request : counter, left);
    close_phi(l, phi.vector_at, next.vector_at);
    close_phi(l, phi.row_offset, next.row_offset);
    if (phi.copy) {
        close_phi(l, phi.copy, next.copy);
    }
    for (unsigned i = 0; i < e->n_acc; i++) {
        close_phi(l, phi.acc[i], next.acc[i]);
    }
    *s = next;
    LLVMBasicBlockRef after = tg_llvm_block(l);
    LLVMBuildCondBr(l->builder, more, body, after);
    LLVMPositionBuilderAtEnd(l->builder, after);
}

static LLVMValueRef merge(tg_llvm *l, LLVMValueRef v, LLVMBasicBlockRef from, LLVMValueRef w, LLVMBasicBlockRef or_from) {
    LLVMValueRef phi = open_phi(l, v, from);
    LLVMAddIncoming(phi, &w, &or_from, 1);
    return phi;
}

/* Opens a branch for `test`, to be closed by end_if with the state before and that at the end of the branch. */
typedef struct branch {
    LLVMBasicBlockRef before, after;
    state s;
} branch;

static branch begin_if(emission *e, LLVMValueRef test, const state *s) {
    branch c = {LLVMGetInsertBlock(e->l->builder), NULL, *s};
    LLVMBasicBlockRef then = tg_llvm_block(e->l);
    c.after = tg_llvm_block(e->l);
    LLVMBuildCondBr(e->l->builder, test, then, c.after);
    LLVMPositionBuilderAtEnd(e->l->builder, then);
    return c;
}

static void end_if(emission *e, const branch *c, state *s) {
    tg_llvm *l = e->l;
    LLVMBasicBlockRef end = LLVMGetInsertBlock(l->builder);
    LLVMBuildBr(l->builder, c->after);
    LLVMPositionBuilderAtEnd(l->builder, c->after);
    s->vector_at = merge(l, c->s.vector_at, c->before, s->vector_at, end);
    s->row_offset = merge(l, c->s.row_offset, c->before, s->row_offset, end);
    s->request = s->request ? merge(l, c->s.request, c->before, s->request, end) : NULL;
    s->copy = s->copy ? merge(l, c->s.copy, c->before, s->copy, end) : NULL;
    for (unsigned i = 0; i < e->n_acc; i++) {
        s->acc[i] = merge(l, c->s.acc[i], c->before, s->acc[i], end);
    }
}

/* `rounds` of the innermost loop, which may be none; `one`: at most one. */
static void emit_rounds(emission *e, LLVMValueRef rounds, unsigned steps, bool one, state *s) {
    unsigned level = e->t->n_loops - 1;
    branch some = begin_if(e, LLVMBuildICmp(e->l->builder, LLVMIntNE, rounds, tg_llvm_i64(e->l, 0), ""), s);
    if (one) {
        emit_round(e, &e->t->loops[level], steps, s);
    } else {
        emit_iterations(e, level, rounds, steps, s);
    }
    end_if(e, &some, s);
}

/* The innermost loop several steps at a time, those that are left over first: what counts and moves on costs a part of it. */
static void emit_unrolled(emission *e, unsigned level, state *s) {
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef count = e->t->loops[level].count, steps = tg_llvm_i64(e->l, e->t->steps);
    LLVMValueRef rounds = LLVMBuildUDiv(b, count, steps, ""), left = LLVMBuildURem(b, count, steps, "");
    s->request = level ? NULL : e->t->request;
    emit_rounds(e, left, 1, e->t->steps == 2, s);
    emit_rounds(e, rounds, e->t->steps, false, s);
}

/* Better without a loop? */
static bool is_short(const emission *e, const tg_dot_loop *loop, int64_t *count) {
    enum { MOST = 256 }; /* multiply-adds */
    return tg_llvm_is_const(loop->count, count) && *count > 0 && (*count <= TG_DOT_SHORT || *count * e->n_acc <= MOST);
}

/* Loop `level` and everything inside it. */
static void emit_loop(emission *e, unsigned level, state *s) {
    int64_t count = 0;
    bool innermost = level + 1 == e->t->n_loops;
    if (innermost && e->t->unroll && is_short(e, &e->t->loops[level], &count)) {
        for (int64_t i = 0; i < count; i++) {
            emit_round(e, &e->t->loops[level], 1, s);
        }
    } else if (innermost && e->t->steps > 1) {
        emit_unrolled(e, level, s);
    } else {
        emit_iterations(e, level, e->t->loops[level].count, 1, s);
    }
}

static LLVMValueRef all_counts_positive(emission *e) {
    LLVMValueRef test = NULL;
    for (unsigned i = 0; i < e->t->n_loops; i++) {
        LLVMValueRef some = LLVMBuildICmp(e->l->builder, LLVMIntSGT, e->t->loops[i].count, tg_llvm_i64(e->l, 0), "");
        test = test ? LLVMBuildAnd(e->l->builder, test, some, "") : some;
    }
    return test;
}

void tg_x86_emit_dot_tile(tg_llvm *l, tg_dot_tile *t) {
    emission e = {.l = l, .t = t, .vector = tg_llvm_wide(t->elem, t->lanes), .n_acc = t->rows * t->vecs};
    state s = {.vector_at = t->vector_base, .row_offset = tg_llvm_i64(l, 0), .copy = t->copy};
    memcpy(s.acc, t->acc, sizeof(LLVMValueRef) * e.n_acc);
    if (t->n_loops == 1 && t->steps > 1 && !t->skip) { /* it tests for itself how many steps there are */
        emit_loop(&e, 0, &s);
        memcpy(t->acc, s.acc, sizeof(LLVMValueRef) * e.n_acc);
        return;
    }
    LLVMValueRef test = all_counts_positive(&e);
    test = t->skip ? LLVMBuildAnd(l->builder, test, LLVMBuildNot(l->builder, t->skip, ""), "") : test;
    LLVMBasicBlockRef before = LLVMGetInsertBlock(l->builder), run = tg_llvm_block(l), after = tg_llvm_block(l);
    LLVMBuildCondBr(l->builder, test, run, after);
    LLVMPositionBuilderAtEnd(l->builder, run);
    emit_loop(&e, 0, &s);
    LLVMBasicBlockRef last = LLVMGetInsertBlock(l->builder);
    LLVMBuildBr(l->builder, after);
    LLVMPositionBuilderAtEnd(l->builder, after);
    for (unsigned i = 0; i < e.n_acc; i++) {
        LLVMValueRef phi = LLVMBuildPhi(l->builder, e.vector, "");
        LLVMAddIncoming(phi, &t->acc[i], &before, 1);
        LLVMAddIncoming(phi, &s.acc[i], &last, 1);
        t->acc[i] = phi;
    }
}

void tg_x86_dot_tile_shape(int vector_regs, unsigned *rows, unsigned *vecs) {
    *rows = 6;
    *vecs = vector_regs >= 32 ? 4 : 2;
}
