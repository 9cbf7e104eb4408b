/* Products of small integers: several neighbours along the innermost reduction axis share one 32-bit element, so that one
 * instruction multiplies and adds a group of them.
 *
 *   pairs   two i16   vpmaddwd  exact for operands that fit i16: a sum of two products wraps only where an i32 sum does
 *   quads   four i8   vpdpbusd  one side unsigned, one signed; it wraps, unlike vpdpbusds
 *
 *   panel   line of group g: [column][group], column c holds b[2g][c], b[2g+1][c]
 *   rows    [row][k], so that a group is an aligned word
 *
 * The end of a group that passes the end of the reduction is zero in the panel, whatever the rows hold there. vpmaddubsw is not used:
 * it saturates at 255 * 127 * 2.
 *
 * Quads of operands of equal signedness: the rows' sign bit is flipped, which adds 128 to a signed row and takes 128 from
 * an unsigned one. That multiplies the columns' sums by ±128 into the result, and just that is what a row of zeros yields: its
 * tile is computed once per panel, and its negative is where all sums start. All of it is exact modulo 2^32. */
#include "targets/x86/dot.h"

static bool is_int(tg_dtype t, int bits) {
    tg_dtype_kind kind = tg_dtype_kind_of(t);
    return tg_dtype_bits(t) <= bits && (kind == TG_KIND_SINT || kind == TG_KIND_UINT);
}

static bool is_signed(const tg_x86_dot *d, uint32_t operand) {
    return tg_dtype_kind_of(tg_operand(d->op, operand)->type->dtype) == TG_KIND_SINT;
}

void tg_x86_dot_plan_groups(tg_x86 *x, tg_x86_dot *d) {
    d->group = 1;
    if (d->dtype != TG_I32 && d->dtype != TG_U32) {
        return;
    }
    bool bytes = true, shorts = true;
    for (uint32_t i = 0; i < 2; i++) {
        tg_dtype t = tg_operand(d->op, i)->type->dtype;
        bytes = bytes && is_int(t, 8);
        shorts = shorts && (is_int(t, 8) || t == TG_I16);
    }
    if (bytes && x->machine->has_vnni) {
        bool columns_signed = is_signed(d, d->side);
        d->group = 4;
        d->flip_rows = is_signed(d, 1 - d->side) == columns_signed;
        d->multiply = columns_signed ? TG_DOT_QUADS_UNSIGNED_ROW : TG_DOT_QUADS_SIGNED_ROW;
    } else if (shorts) {
        d->group = 2;
        d->multiply = TG_DOT_PAIRS;
    }
}

unsigned tg_x86_dot_part_bytes(const tg_dot_emission *e) {
    return e->size / e->d->group;
}

static LLVMTypeRef part_type(const tg_dot_emission *e) {
    return e->d->group == 2 ? e->l->i16 : e->l->i8;
}

/* As wide as a member of a group is; `v` may be of any width up to that. */
static LLVMValueRef widen(tg_dot_emission *e, LLVMValueRef v, tg_dtype from) {
    LLVMTypeRef type = tg_llvm_like(part_type(e), v);
    bool sign = tg_dtype_kind_of(from) == TG_KIND_SINT;
    return sign ? LLVMBuildSExt(e->l->builder, v, type, "") : LLVMBuildZExt(e->l->builder, v, type, "");
}

LLVMValueRef tg_x86_dot_row_part(tg_dot_emission *e, LLVMValueRef v, tg_dtype from) {
    v = widen(e, v, from);
    return e->d->flip_rows ? LLVMBuildXor(e->l->builder, v, tg_llvm_int(LLVMTypeOf(v), -128), "") : v;
}

/* a[0], b[0], a[1], b[1] … */
static LLVMValueRef interleave(tg_dot_emission *e, LLVMValueRef a, LLVMValueRef b) {
    unsigned n = tg_llvm_lanes(a);
    LLVMValueRef order[128];
    for (unsigned i = 0; i < n; i++) {
        order[2 * i] = tg_llvm_i32(e->l, i);
        order[2 * i + 1] = tg_llvm_i32(e->l, n + i);
    }
    return LLVMBuildShuffleVector(e->l->builder, a, b, LLVMConstVector(order, 2 * n), "");
}

LLVMValueRef tg_x86_dot_group(tg_dot_emission *e, const LLVMValueRef *members, tg_dtype from, LLVMValueRef keep) {
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef v = e->d->group == 2 ? interleave(e, members[0], members[1])
                                      : interleave(e, interleave(e, members[0], members[2]), interleave(e, members[1], members[3]));
    v = LLVMBuildBitCast(b, widen(e, v, from), e->vector, "");
    return LLVMBuildAnd(b, v, tg_llvm_splat(e->l, keep, e->lanes), "");
}

LLVMValueRef tg_x86_dot_group_keep(tg_dot_emission *e, LLVMValueRef left) {
    LLVMBuilderRef b = e->l->builder;
    int64_t group = e->d->group;
    LLVMValueRef n = LLVMBuildTrunc(b, tg_llvm_min64(e->l, left, tg_llvm_i64(e->l, group)), e->l->i32, "");
    LLVMValueRef bits = LLVMBuildMul(b, n, tg_llvm_i32(e->l, 32 / group), "");
    return LLVMBuildLShr(b, tg_llvm_i32(e->l, -1), LLVMBuildSub(b, tg_llvm_i32(e->l, 32), bits, ""), "");
}

void tg_x86_dot_correct(tg_dot_emission *e, LLVMValueRef panel, const tg_dot_loop *loops, LLVMValueRef line) {
    tg_llvm *l = e->l;
    LLVMValueRef zeros = tg_x86_alloca(e->x, l->i32);
    LLVMBuildStore(l->builder, tg_llvm_i32(l, (int64_t)0x80808080), zeros); /* flipped */
    tg_dot_loop still[TG_DOT_AXES];
    for (uint32_t i = 0; i < e->d->n_over; i++) {
        still[i] = loops[i];
        still[i].row_step = tg_llvm_i64(l, 0);
    }
    tg_dot_tile t = {.elem = e->elem, .lanes = e->lanes, .vecs = e->vecs, .rows = 1, .vector_base = panel,
                     .row_at = {zeros}, .multiply = e->d->multiply, .loops = still, .n_loops = e->d->n_over};
    for (unsigned v = 0; v < t.vecs; v++) {
        t.acc[v] = LLVMConstNull(e->vector);
    }
    tg_x86_emit_dot_tile(l, &t);
    for (unsigned v = 0; v < t.vecs; v++) {
        LLVMValueRef at = tg_llvm_gep(l, l->i8, line, tg_llvm_i64(l, v * e->lanes * e->size));
        tg_llvm_store(l, LLVMBuildNeg(l->builder, t.acc[v], ""), at, e->size);
    }
}
