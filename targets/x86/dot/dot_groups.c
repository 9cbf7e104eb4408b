/* Products of small integers and of bf16: several neighbours along the innermost reduction axis share one 32-bit element, so that one
 * instruction multiplies and adds a group of them.
 *
 *   pairs   two i16   vpmaddwd  exact for operands that fit i16: a sum of two products wraps only where an i32 sum does
 *   pairs   two bf16  vdpbf16ps adds one product after the other to an f32 sum; subnormal numbers count as zero
 *   quads   four i8   vpdpbusd  one side unsigned, one signed; it wraps, unlike vpdpbusds
 *
 *   panel   line of group g: [column][group], column c holds b[2g][c], b[2g+1][c]
 *   rows    [row][k], so that a group is an aligned word; bf16 that the kernel computed with rows in lanes: [group][row]
 *
 * The end of a group that passes the end of the reduction is zero in both: for integers the panel's zeros would do, but not for the
 * infinities and NaN that a row may hold there. vpmaddubsw is not used:
 * it saturates at 255 * 127 * 2.
 *
 * Quads of operands of equal signedness: the rows' sign bit is flipped, which adds 128 to a signed row and takes 128 from
 * an unsigned one. That multiplies the columns' sums by ±128 into the result, and just that is what a row of zeros yields: its
 * tile is computed once per panel, and its negative is where all sums start. All of it is exact modulo 2^32. */
#include "targets/x86/dot/dot.h"
#include "targets/x86/memory/memory.h"

#include <string.h>

static bool is_int(tg_dtype t, int bits) {
    tg_dtype_kind kind = tg_dtype_kind_of(t);
    return tg_dtype_bits(t) <= bits && (kind == TG_KIND_SINT || kind == TG_KIND_UINT);
}

static bool is_signed(const tg_x86_dot *d, uint32_t operand) {
    return tg_dtype_kind_of(tg_operand(d->op, operand)->type->dtype) == TG_KIND_SINT;
}

/* Are both operands bf16 as they lie in memory? */
static bool loads_bf16(const tg_op *op) {
    for (uint32_t i = 0; i < 2; i++) {
        const tg_value *v = tg_operand(op, i);
        bool load = v->def && v->def->opcode == TG_OP_LOAD && v->def->parent == op->parent;
        if (!load || v->type->dtype != TG_BF16 || tg_operand(v->def, 0)->type->dtype != TG_BF16) {
            return false;
        }
    }
    return true;
}

/* Are they bf16 at least in value? Computed ones, and those laid down before a loop, are f32 in their buffers, and paired from there. */
static bool pairs_values(const tg_x86 *x, const tg_x86_dot *d) {
    bool bf16 = tg_operand(d->op, 0)->type->dtype == TG_BF16 && tg_operand(d->op, 1)->type->dtype == TG_BF16;
    return bf16 && x->machine->pairs_bf16 && d->n_over == 1 && d->row && d->n_rows == 0;
}

void tg_x86_dot_plan_groups(tg_x86 *x, tg_x86_dot *d) {
    d->group = 1;
    if (d->dtype == TG_F32 && x->machine->has_bf16 && loads_bf16(d->op)) {
        d->amx = tg_x86_dot_suits_amx(x, d);
        bool pairs = d->amx || x->machine->pairs_bf16;
        d->group = pairs ? 2 : 1;
        d->multiply = pairs ? TG_DOT_PAIRS_BF16 : TG_DOT_PLAIN;
        return;
    }
    if (d->dtype == TG_F32 && pairs_values(x, d)) {
        d->group = 2;
        d->multiply = TG_DOT_PAIRS_BF16;
        return;
    }
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
        d->same_signs = is_signed(d, 1 - d->side) == columns_signed;
        d->multiply = columns_signed ? TG_DOT_QUADS_UNSIGNED_ROW : TG_DOT_QUADS_SIGNED_ROW;
        d->amx = tg_x86_dot_suits_amx(x, d);
        d->flip_rows = d->same_signs && !d->amx;
    } else if (shorts) {
        d->group = 2;
        d->multiply = TG_DOT_PAIRS;
    }
}

/* ---- panels of whole vectors ------------------------------------------------------------------------------- */

enum { BLOCK = 16 /* bytes that the instructions that interleave keep to */, MAX_PARTS = 64 };

static LLVMTypeRef int_of(tg_dot_emission *e, unsigned bytes) {
    return bytes == 1 ? e->l->i8 : bytes == 2 ? e->l->i16 : bytes == 4 ? e->l->i32 : e->l->i64;
}

/* a, b, a, b … from one half of each block; `bytes` wide elements of vectors of any type. */
static LLVMValueRef interleave_halves(tg_dot_emission *e, LLVMValueRef a, LLVMValueRef b, unsigned bytes, bool upper) {
    unsigned n = e->lanes * e->size / bytes, per = BLOCK / bytes, pick[MAX_PARTS];
    LLVMTypeRef type = tg_llvm_wide(int_of(e, bytes), n);
    for (unsigned i = 0; i < n; i++) {
        pick[i] = i / per * per + (upper ? per / 2 : 0) + i % per / 2 + (i % 2 ? n : 0);
    }
    LLVMBuilderRef builder = e->l->builder;
    return tg_llvm_shuffle(e->l, LLVMBuildBitCast(builder, a, type, ""), LLVMBuildBitCast(builder, b, type, ""), pick, n);
}

/* Columns as tg_x86_dot_interleave wants them: block i of the result gathers piece i of each of `group` runs of columns, which become a vector each. */
static LLVMValueRef spread_runs(tg_dot_emission *e, LLVMValueRef line) {
    unsigned group = e->d->group, bytes = BLOCK / group, n = e->lanes * e->size / bytes, pick[MAX_PARTS];
    LLVMTypeRef type = tg_llvm_wide(int_of(e, bytes), n);
    for (unsigned i = 0; i < n; i++) {
        pick[i] = i % group * (n / group) + i / group;
    }
    LLVMValueRef v = LLVMBuildBitCast(e->l->builder, line, type, "");
    return tg_llvm_shuffle(e->l, v, v, pick, n);
}

void tg_x86_dot_interleave(tg_dot_emission *e, LLVMValueRef *v) {
    if (e->d->group == 2) {
        LLVMValueRef a = v[0], b = v[1];
        v[0] = interleave_halves(e, a, b, 2, false);
        v[1] = interleave_halves(e, a, b, 2, true);
        return;
    }
    LLVMValueRef line[4];
    memcpy(line, v, sizeof line);
    for (unsigned half = 0; half < 2; half++) {
        LLVMValueRef even = interleave_halves(e, line[0], line[1], 1, half), odd = interleave_halves(e, line[2], line[3], 1, half);
        v[2 * half] = interleave_halves(e, even, odd, 2, false);
        v[2 * half + 1] = interleave_halves(e, even, odd, 2, true);
    }
}

bool tg_x86_dot_packs_groups(const tg_dot_emission *e, const tg_dot_side *columns) {
    const tg_x86_dot *d = e->d;
    bool vectors = e->x->machine->has_masks && e->vecs % d->group == 0; /* narrower ones gain nothing */
    return d->group > 1 && columns->direct && vectors && d->n_over == 1 && tg_dtype_size(columns->value->type->dtype) == tg_x86_dot_part_bytes(e);
}

/* One group of all columns of the panel; `from`: its first line, `step` bytes from the next. */
static void pack_group(tg_dot_emission *e, LLVMValueRef from, LLVMValueRef step, LLVMValueRef ahead, LLVMValueRef to) {
    tg_llvm *l = e->l;
    unsigned group = e->d->group, bytes = e->lanes * e->size;
    LLVMValueRef line[4], v[4];
    for (unsigned i = 0; i < group; i++) {
        line[i] = i ? tg_llvm_gep(l, l->i8, line[i - 1], step) : from;
    }
    for (unsigned run = 0; run < e->vecs / group; run++) {
        for (unsigned i = 0; i < group; i++) {
            LLVMValueRef at = tg_llvm_gep(l, l->i8, line[i], tg_llvm_i64(l, run * bytes));
            tg_llvm_prefetch(l, tg_llvm_gep(l, l->i8, at, ahead), 2);
            v[i] = spread_runs(e, tg_llvm_load(l, e->vector, at, e->size / group));
        }
        tg_x86_dot_interleave(e, v);
        for (unsigned i = 0; i < group; i++) {
            LLVMValueRef at = tg_x86_dot_panel_vector(e, to, run * group + i);
            tg_llvm_store(l, LLVMBuildBitCast(l->builder, v[i], e->vector, ""), at, e->size);
        }
    }
}

LLVMValueRef tg_x86_dot_pack_groups(tg_dot_emission *e, const tg_dot_side *columns, const tg_dot_panels *p, LLVMValueRef strip, LLVMValueRef ahead) {
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    tg_axis *k = e->d->over[0];
    LLVMValueRef group = tg_llvm_i64(l, e->d->group), zero = tg_llvm_i64(l, 0), width = tg_llvm_i64(l, e->vecs * e->lanes);
    LLVMValueRef step = tg_x86_dot_step(e, columns, k), stride = LLVMBuildMul(b, step, group, ""), part = tg_llvm_i64(l, tg_x86_dot_part_bytes(e));
    LLVMValueRef left = LLVMBuildSub(b, LLVMBuildUDiv(b, e->x->ranges[k->rank].size, group, ""), e->from[0], "");
    LLVMValueRef whole = tg_llvm_min64(l, left, e->count[0]);
    LLVMValueRef from = tg_llvm_gep(l, l->i8, columns->base, LLVMBuildMul(b, e->from[0], stride, ""));
    tg_llvm_loop strips, groups, panels;
    LLVMValueRef first = tg_llvm_loop_open(l, &strips, p->at, p->limit, strip);
    LLVMValueRef until = tg_llvm_min64(l, LLVMBuildAdd(b, first, strip, ""), p->limit);
    LLVMValueRef g = tg_llvm_loop_open(l, &groups, zero, whole, tg_llvm_i64(l, 1));
    LLVMValueRef lines = tg_llvm_gep(l, l->i8, from, LLVMBuildMul(b, g, stride, ""));
    LLVMValueRef place = tg_llvm_gep(l, l->i8, p->to, LLVMBuildMul(b, g, tg_llvm_i64(l, tg_x86_dot_panel_step(e)), ""));
    LLVMValueRef column = tg_llvm_loop_open(l, &panels, first, until, width);
    LLVMValueRef number = LLVMBuildUDiv(b, LLVMBuildSub(b, column, p->at, ""), width, "");
    pack_group(e, tg_llvm_gep(l, l->i8, lines, LLVMBuildMul(b, column, part, "")), step, ahead,
               tg_llvm_gep(l, l->i8, place, LLVMBuildMul(b, number, p->bytes, "")));
    tg_llvm_loop_close(l, &panels);
    tg_llvm_loop_close(l, &groups);
    tg_llvm_loop_close(l, &strips);
    return whole;
}

unsigned tg_x86_dot_panel_step(const tg_dot_emission *e) {
    return (e->apart ? 1 : e->vecs) * e->lanes * e->size;
}

LLVMValueRef tg_x86_dot_panel_vector(tg_dot_emission *e, LLVMValueRef line, unsigned v) {
    LLVMValueRef i = tg_llvm_i64(e->l, v), apart = e->apart ? e->apart : tg_llvm_i64(e->l, e->lanes * e->size);
    return tg_llvm_gep(e->l, e->l->i8, line, LLVMBuildMul(e->l->builder, i, apart, ""));
}

unsigned tg_x86_dot_strip_columns(const tg_dot_emission *e) {
    return (e->d->amx ? TG_AMX_TILES : e->vecs) * e->lanes;
}

/* ---- members ------------------------------------------------------------------------------------------------ */

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

/* The upper halves of f32 that are bf16 in value, in the lower halves of words. */
static LLVMValueRef bf16_words(tg_dot_emission *e, LLVMValueRef v) {
    LLVMValueRef words = LLVMBuildBitCast(e->l->builder, v, tg_llvm_like(e->l->i32, v), "");
    return LLVMBuildLShr(e->l->builder, words, tg_llvm_int(LLVMTypeOf(words), 16), "");
}

static LLVMValueRef part_of(tg_dot_emission *e, LLVMValueRef v, tg_dtype from) {
    return from == TG_BF16 ? LLVMBuildTrunc(e->l->builder, bf16_words(e, v), tg_llvm_like(e->l->i16, v), "") : widen(e, v, from);
}

LLVMValueRef tg_x86_dot_row_part(tg_dot_emission *e, LLVMValueRef v, tg_dtype from) {
    v = part_of(e, v, from);
    return e->d->flip_rows ? LLVMBuildXor(e->l->builder, v, tg_llvm_int(LLVMTypeOf(v), -128), "") : v;
}

LLVMValueRef tg_x86_dot_run_of_groups(tg_dot_emission *e, const LLVMValueRef *points, tg_dtype from) {
    LLVMValueRef part[4];
    for (unsigned i = 0; i < e->d->group; i++) {
        part[i] = part_of(e, points[i], from);
    }
    return LLVMBuildBitCast(e->l->builder, tg_llvm_beside(e->l, part, e->d->group), e->vector, "");
}

/* a[0], b[0], a[1], b[1] … */
static LLVMValueRef interleave(tg_dot_emission *e, LLVMValueRef a, LLVMValueRef b) {
    unsigned n = tg_llvm_lanes(a);
    unsigned order[2 * MAX_PARTS];
    for (unsigned i = 0; i < n; i++) {
        order[2 * i] = i;
        order[2 * i + 1] = n + i;
    }
    return tg_llvm_shuffle(e->l, a, b, order, 2 * n);
}

LLVMValueRef tg_x86_dot_group(tg_dot_emission *e, const LLVMValueRef *members, tg_dtype from, LLVMValueRef keep) {
    LLVMBuilderRef b = e->l->builder;
    LLVMTypeRef words = tg_llvm_wide(e->l->i32, e->lanes);
    LLVMValueRef v;
    if (from == TG_BF16) {
        v = LLVMBuildOr(b, bf16_words(e, members[0]), LLVMBuildBitCast(b, members[1], words, ""), "");
    } else {
        v = e->d->group == 2 ? interleave(e, members[0], members[1])
                             : interleave(e, interleave(e, members[0], members[2]), interleave(e, members[1], members[3]));
        v = LLVMBuildBitCast(b, widen(e, v, from), words, "");
    }
    v = LLVMBuildAnd(b, v, tg_llvm_splat(e->l, keep, e->lanes), "");
    return LLVMBuildBitCast(b, v, e->vector, "");
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
