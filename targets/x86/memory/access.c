/* Memory: tensors of the caller and buffers of the instance, both addressed by lane-affine indices.
 *
 *   offset = Σ stride[d]·index[d] = base + lane·step
 *     step 0      one element for all lanes        scalar access
 *     step ±1     consecutive elements             vector access, masked in the tail
 *     other       gather and scatter
 *
 * The fast variant of a task takes the last stride of a tensor as 1 when the lanes run along it; the entry checks that
 * at launch and calls the general variant otherwise (entry.c). */
#include "targets/x86/memory/address.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"
#include "targets/x86/ops/ops.h"

typedef tg_x86_address address;

LLVMValueRef tg_x86_and_masks(tg_x86 *x, LLVMValueRef a, LLVMValueRef b) {
    if (!a || !b) {
        return a ? a : b;
    }
    unsigned lanes = tg_llvm_lanes(a) > tg_llvm_lanes(b) ? tg_llvm_lanes(a) : tg_llvm_lanes(b);
    return LLVMBuildAnd(x->builder, tg_llvm_splat(x->l, a, lanes), tg_llvm_splat(x->l, b, lanes), "");
}

static tg_x86_val add_scaled(tg_x86 *x, tg_x86_val sum, tg_x86_val index, LLVMValueRef stride) {
    LLVMBuilderRef b = x->builder;
    int64_t c, one;
    bool first = tg_llvm_is_const(sum.v, &c) && c == 0 && !sum.step, unit = tg_llvm_is_const(stride, &one) && one == 1;
    if (first && unit) {
        return index;
    }
    if (tg_llvm_is_vector(index.v) || tg_llvm_is_vector(sum.v)) {
        LLVMValueRef v = tg_x86_vector(x, index), s = tg_llvm_splat(x->l, stride, x->lanes);
        return (tg_x86_val){LLVMBuildAdd(b, tg_x86_vector(x, sum), unit ? v : LLVMBuildMul(b, v, s, ""), ""), NULL, NULL};
    }
    sum.v = LLVMBuildAdd(b, sum.v, LLVMBuildMul(b, index.v, stride, ""), "");
    if (index.step) {
        LLVMValueRef step = LLVMBuildMul(b, index.step, stride, "");
        sum.step = sum.step ? LLVMBuildAdd(b, sum.step, step, "") : step;
        sum.step = tg_llvm_is_const(sum.step, &c) && c == 0 ? NULL : sum.step;
    }
    return sum;
}

/* ---- vectors of elements ------------------------------------------------------------------------------- */

LLVMValueRef tg_x86_any_lane(tg_x86 *x, LLVMValueRef mask) {
    return mask && tg_llvm_is_vector(mask) ? tg_llvm_call1(x->l, "llvm.vector.reduce.or", mask) : mask;
}

LLVMValueRef tg_x86_lane_mask(tg_x86 *x, LLVMValueRef mask) {
    LLVMValueRef all = LLVMConstInt(x->l->i1, 1, 0);
    return tg_llvm_splat(x->l, mask ? mask : all, x->lanes);
}

int tg_x86_direction(tg_x86_val offset) {
    int64_t c;
    bool run = offset.step && tg_llvm_is_const(offset.step, &c) && (c == 1 || c == -1);
    return run ? (int)c : 0;
}

static bool is_unit(tg_x86_val offset) {
    return tg_x86_direction(offset) == 1;
}

static LLVMValueRef reversed(tg_x86 *x, LLVMValueRef v) {
    LLVMValueRef ids[64];
    for (unsigned i = 0; i < x->lanes; i++) {
        ids[i] = tg_llvm_i32(x->l, x->lanes - 1 - i);
    }
    return LLVMBuildShuffleVector(x->builder, v, LLVMGetPoison(LLVMTypeOf(v)), LLVMConstVector(ids, x->lanes), "");
}

/* Lanes that run downwards: the same elements upwards, turned round. */
static address upwards(tg_x86 *x, const address *a) {
    address up = *a;
    up.offset.v = LLVMBuildSub(x->builder, a->offset.v, tg_llvm_i64(x->l, x->lanes - 1), "");
    up.offset.step = tg_llvm_i64(x->l, 1);
    up.mask = a->mask && tg_llvm_is_vector(a->mask) ? reversed(x, tg_x86_lane_mask(x, a->mask)) : a->mask;
    return up;
}

LLVMValueRef tg_x86_load_elements(tg_x86 *x, const address *a) {
    tg_x86_runs r;
    address even = *a;
    if (tg_x86_runs_of(x, a, &r)) {
        LLVMValueRef v = tg_x86_is_even(x, &r, &even.offset) ? tg_x86_load_elements(x, &even) : tg_x86_load_runs(x, a, &r);
        v = v ? v : tg_x86_load_columns(x, a);
        return v ? v : tg_x86_load_gather(x, a);
    }
    if (!a->offset.step && !tg_llvm_is_vector(a->offset.v)) {
        LLVMValueRef p = tg_llvm_gep(x->l, a->element, a->base, a->offset.v);
        p = a->mask ? LLVMBuildSelect(x->builder, tg_x86_any_lane(x, a->mask), p, x->sink, "") : p;
        return tg_llvm_load(x->l, a->element, p, a->align);
    }
    if (tg_x86_direction(a->offset) < 0) {
        address up = upwards(x, a);
        return reversed(x, tg_x86_load_elements(x, &up));
    }
    if (!is_unit(a->offset)) {
        LLVMValueRef v = tg_x86_load_columns(x, a);
        v = v ? v : tg_x86_load_pixels(x, a);
        v = v ? v : tg_x86_load_strided(x, a);
        v = v ? v : tg_x86_load_near(x, a);
        return v ? v : tg_x86_load_gather(x, a);
    }
    LLVMTypeRef type = LLVMVectorType(a->element, x->lanes);
    LLVMValueRef p = tg_llvm_gep(x->l, a->element, a->base, a->offset.v);
    if (a->mask && !tg_llvm_is_vector(a->mask)) { /* all lanes or none: read zeros instead */
        return tg_llvm_load(x->l, type, LLVMBuildSelect(x->builder, a->mask, p, x->sink, ""), a->align);
    }
    if (a->mask && !tg_x86_has_such_masks(x, a)) {
        return tg_x86_load_in_page(x, a);
    }
    return a->mask ? tg_llvm_masked_load(x->l, type, p, a->align, tg_x86_lane_mask(x, a->mask))
                   : tg_llvm_load(x->l, type, p, a->align);
}

/* Some processors store under a mask slowly, and more slowly to lanes that are far apart. */
address tg_x86_open_all(tg_x86 *x, const address *a, tg_llvm_if *c) {
    address open = *a;
    open.mask = NULL;
    tg_llvm_if_open(x->l, c, a->mask);
    return open;
}

/* The code generator makes a store under a mask of one that writes what it has read in some lanes, as of X = max(X, 0) or of a choice between new and
 * old: one instruction less, but 25 cycles on AMD's processors without mask registers. It does not see through a freeze. */
static LLVMValueRef written_whole(const tg_x86 *x, LLVMValueRef v) {
    bool chosen = tg_llvm_is_vector(v) && LLVMIsASelectInst(v) && !x->machine->has_masks;
    return chosen ? LLVMBuildFreeze(x->builder, v, "") : v;
}

void tg_x86_store_elements(tg_x86 *x, const address *a, LLVMValueRef v) {
    bool uniform = !a->offset.step && !tg_llvm_is_vector(a->offset.v);
    if (uniform && !tg_llvm_is_vector(v)) {
        LLVMValueRef p = tg_llvm_gep(x->l, a->element, a->base, a->offset.v), any = tg_x86_any_lane(x, a->mask);
        tg_llvm_if c;
        if (any) {
            tg_llvm_if_open(x->l, &c, any);
        }
        tg_llvm_store(x->l, v, p, a->align);
        if (any) {
            tg_llvm_if_close(x->l, &c);
        }
        return;
    }
    v = tg_llvm_splat(x->l, v, x->lanes);
    tg_x86_runs r;
    address even = *a;
    bool runs = tg_x86_runs_of(x, a, &r);
    if (runs && tg_x86_is_even(x, &r, &even.offset)) {
        tg_x86_store_elements(x, &even, v);
        return;
    }
    if (runs && tg_x86_store_runs(x, a, &r, v)) {
        return;
    }
    if (tg_x86_all_or_none(a)) {
        tg_llvm_if c;
        address open = tg_x86_open_all(x, a, &c);
        tg_x86_store_elements(x, &open, v);
        tg_llvm_if_close(x->l, &c);
        return;
    }
    if (tg_x86_direction(a->offset) < 0) {
        address up = upwards(x, a);
        tg_x86_store_elements(x, &up, reversed(x, v));
        return;
    }
    if (!is_unit(a->offset) && tg_x86_store_strided(x, a, v)) {
        return;
    }
    if (!is_unit(a->offset)) {
        tg_x86_store_scatter(x, a, v);
        return;
    }
    LLVMValueRef p = tg_llvm_gep(x->l, a->element, a->base, a->offset.v);
    if (a->mask) {
        tg_llvm_masked_store(x->l, v, p, a->align, tg_x86_lane_mask(x, a->mask));
    } else if (x->stream && !a->is_buffer) {
        tg_x86_stream_store(x, v, p, a->align);
    } else {
        tg_llvm_store(x->l, written_whole(x, v), p, a->align);
    }
}

/* ---- packed and paired elements ------------------------------------------------------------------------- */

static tg_x86_val scaled_offset(tg_x86 *x, tg_x86_val o, int64_t factor, int64_t plus) {
    tg_x86_val none = {tg_llvm_i64(x->l, plus), NULL, NULL};
    return add_scaled(x, none, o, tg_llvm_i64(x->l, factor));
}

/* Byte offset and nibble shift of a 4-bit element. */
static LLVMValueRef nibble_shift(tg_x86 *x, address *a) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef o = tg_x86_plain(x, a->offset).v, one = tg_llvm_int(LLVMTypeOf(o), 1);
    a->offset = (tg_x86_val){LLVMBuildAShr(b, o, one, ""), NULL, NULL};
    LLVMValueRef odd = LLVMBuildTrunc(b, LLVMBuildAnd(b, o, one, ""), tg_llvm_like(x->l->i8, o), "");
    return LLVMBuildShl(b, odd, tg_llvm_int(LLVMTypeOf(odd), 2), "");
}

/* Every second lane of `mask`, from lane `first` on; a scalar or none stay. */
static LLVMValueRef half_of_mask(tg_x86 *x, LLVMValueRef mask, unsigned first) {
    unsigned pick[32];
    for (unsigned i = 0; i < x->lanes / 2; i++) {
        pick[i] = first + 2 * i;
    }
    bool vector = mask && tg_llvm_is_vector(mask);
    return vector ? tg_llvm_shuffle(x->l, mask, mask, pick, x->lanes / 2) : mask;
}

/* Elements offset, offset + 2 … of 4 bits, one in every 16 bits. Reads no byte but theirs. */
static LLVMValueRef load_alternate(tg_x86 *x, const address *a, LLVMValueRef offset, LLVMValueRef mask) {
    tg_llvm *l = x->l;
    LLVMBuilderRef b = l->builder;
    LLVMTypeRef bytes = tg_llvm_wide(l->i8, x->lanes / 2), wide = tg_llvm_wide(l->i16, x->lanes / 2);
    LLVMValueRef one = tg_llvm_i64(l, 1), p = tg_llvm_gep(l, l->i8, a->base, LLVMBuildAShr(b, offset, one, "")), v;
    if (mask && tg_llvm_is_vector(mask)) {
        v = tg_llvm_masked_load(l, bytes, p, 1, mask);
    } else {
        v = tg_llvm_load(l, bytes, mask ? LLVMBuildSelect(b, mask, p, x->sink, "") : p, 1);
    }
    LLVMValueRef shift = LLVMBuildShl(b, LLVMBuildAnd(b, offset, one, ""), tg_llvm_i64(l, 2), "");
    shift = tg_llvm_splat(l, LLVMBuildTrunc(b, shift, l->i16, ""), x->lanes / 2);
    return LLVMBuildAnd(b, LLVMBuildLShr(b, LLVMBuildZExt(b, v, wide, ""), shift, ""), tg_llvm_int(wide, 15), "");
}

/* Elements that follow one another. Those of even lanes begin in the upper half of a byte where those of odd lanes begin in the lower one of the next. */
static LLVMValueRef load_run_of_nibbles(tg_x86 *x, const address *a) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef next = LLVMBuildAdd(b, a->offset.v, tg_llvm_i64(x->l, 1), "");
    LLVMValueRef even = load_alternate(x, a, a->offset.v, half_of_mask(x, a->mask, 0));
    LLVMValueRef odd = load_alternate(x, a, next, half_of_mask(x, a->mask, 1));
    LLVMValueRef both = LLVMBuildOr(b, even, LLVMBuildShl(b, odd, tg_llvm_int(LLVMTypeOf(odd), 8), ""), "");
    return LLVMBuildBitCast(b, both, tg_llvm_wide(x->l->i8, x->lanes), "");
}

static LLVMValueRef load_nibbles(tg_x86 *x, address a) {
    bool masked = a.mask && tg_llvm_is_vector(a.mask);
    if (is_unit(a.offset) && x->lanes > 1 && (!masked || tg_x86_has_such_masks(x, &a))) {
        return load_run_of_nibbles(x, &a);
    }
    LLVMValueRef shift = nibble_shift(x, &a), v = tg_x86_load_elements(x, &a);
    v = LLVMBuildLShr(x->builder, v, tg_llvm_splat(x->l, shift, tg_llvm_lanes(v)), "");
    return LLVMBuildAnd(x->builder, v, tg_llvm_int(LLVMTypeOf(v), 15), "");
}

/* Read, replace, write; two elements of a byte belong to one instance or the kernel is at fault. */
static void store_nibbles(tg_x86 *x, address a, LLVMValueRef v) {
    LLVMBuilderRef b = x->builder;
    if (x->lanes > 1) {
        tg_x86_refuse(x, NULL, "store of 4-bit elements in a vector nest");
    }
    LLVMValueRef shift = nibble_shift(x, &a), old = tg_x86_load_elements(x, &a);
    LLVMValueRef clear = LLVMBuildNot(b, LLVMBuildShl(b, tg_llvm_int(x->l->i8, 15), shift, ""), "");
    LLVMValueRef merged = LLVMBuildOr(b, LLVMBuildAnd(b, old, clear, ""), LLVMBuildShl(b, v, shift, ""), "");
    tg_x86_store_elements(x, &a, merged);
}

static LLVMValueRef to_register(tg_x86 *x, const address *a, LLVMValueRef v) {
    return a->is_buffer ? tg_x86_from_buffer(x, v, a->dtype) : tg_x86_from_memory(x, v, a->dtype);
}

static LLVMValueRef from_register(tg_x86 *x, const address *a, LLVMValueRef v) {
    return a->is_buffer ? tg_x86_to_buffer(x, v, a->dtype) : tg_x86_to_memory(x, v, a->dtype);
}

static tg_x86_val load_at(tg_x86 *x, address *a) {
    tg_x86_val out = {NULL, NULL, NULL};
    if (tg_dtype_kind_of(a->dtype) == TG_KIND_COMPLEX) {
        return tg_x86_load_complex(x, a);
    }
    bool packed = tg_dtype_bits(a->dtype) == 4 && !a->is_buffer;
    out.v = to_register(x, a, packed ? load_nibbles(x, *a) : tg_x86_load_elements(x, a));
    return out;
}

static void store_at(tg_x86 *x, address *a, tg_x86_val v) {
    v = tg_x86_plain(x, v);
    if (v.im) {
        tg_x86_store_complex(x, a, v);
        return;
    }
    LLVMValueRef m = from_register(x, a, v.v);
    if (tg_dtype_bits(a->dtype) == 4 && !a->is_buffer) {
        store_nibbles(x, *a, m);
    } else {
        tg_x86_store_elements(x, a, m);
    }
}

/* ---- tensors -------------------------------------------------------------------------------------------------- */

static unsigned element_align(tg_dtype t) {
    size_t n = tg_dtype_size(tg_dtype_real(t));
    return n ? (unsigned)n : 1;
}

/* A tensor made inside a phase has the strides it says; the entry cannot test them. */
bool tg_x86_may_be_unit(const tg_value *tensor) {
    int64_t stride = 0;
    const tg_op *op = tensor->def;
    return tg_x86_is_launch_value(tensor) ||
           (op && op->opcode == TG_OP_TENSOR && tg_value_const_int(tg_operand(op, op->n_operands - 1u), &stride) && stride == 1);
}

void tg_x86_note_unit(tg_x86 *x, tg_value *tensor) {
    if (!tg_x86_is_launch_value(tensor)) {
        return;
    }
    for (uint32_t i = 0; i < x->unit_tensors.len; i++) {
        if (x->unit_tensors.data[i] == tensor) {
            return;
        }
    }
    tg_vec_push(x->arena, &x->unit_tensors, tensor);
}

/* The `par` or `for` through single indices whose index `v` is, or null. */
static const tg_op *single_binder(const tg_value *v) {
    const tg_op *op = v->def || !v->block || v->index != 0 ? NULL : v->block->parent->parent;
    bool binds = op && (op->opcode == TG_OP_PAR || op->opcode == TG_OP_FOR) && !tg_op_attr(op, TG_ATTR_AXIS);
    return binds ? op : NULL;
}

/* One of two values that a condition on the axis chooses between, as of tensors that follow one another: it need not be as long as both. */
static bool is_chosen(const tg_op *op, const tg_axis *a) {
    bool chosen = op->opcode == TG_OP_LOAD && tg_result(op, 0)->uses;
    for (const tg_use *u = chosen ? tg_result(op, 0)->uses : NULL; u && chosen; u = u->next) {
        chosen = u->user->opcode == TG_OP_SELECT && tg_type_has_axis(tg_operand(u->user, 0)->type, a);
    }
    return chosen;
}

/* An index that is an axis itself or a single index, over a domain known at launch, stays inside if the tensor is as long as the domain:
 * the fast variant leaves that to one test in the entry. */
bool tg_x86_checkable_at_launch(const tg_op *op, uint32_t d, tg_value **extent) {
    const tg_value *index = tg_op_index(op, d);
    const tg_op *binder = single_binder(index);
    if (index->def && index->def->opcode == TG_OP_IOTA) {
        const tg_axis *a = tg_op_axis(index->def, TG_ATTR_AXIS);
        while (a->like) {
            a = a->like;
        }
        binder = is_chosen(op, tg_op_axis(index->def, TG_ATTR_AXIS)) ? NULL : a->binder;
    }
    *extent = binder ? tg_operand(binder, 0) : NULL;
    return *extent && tg_x86_is_launch_value(*extent) && tg_x86_is_launch_value(tg_operand(op, 0));
}

/* Of an index that a stretch of its axis has made smaller than what divides it. */
static bool is_below_divisor(const tg_x86 *x, const tg_op *op, uint32_t d, tg_value **extent) {
    const tg_op *rem = tg_op_index(op, d)->def;
    bool below = rem && rem->opcode == TG_OP_REM && tg_x86_is_decided(x, rem) && tg_x86_is_launch_value(tg_operand(op, 0));
    *extent = below ? tg_operand(rem, 1) : NULL;
    return below;
}

bool tg_x86_checked_at_launch(tg_x86 *x, const tg_op *op, uint32_t d) {
    tg_value *extent;
    if (tg_x86_is_inside_stretch(x, op, d)) {
        return true;
    }
    if (!x->unit || (!tg_x86_checkable_at_launch(op, d, &extent) && !is_below_divisor(x, op, d, &extent))) {
        return false;
    }
    for (uint32_t i = 0; i < x->bound_checks.len; i++) {
        const tg_x86_bound_check *c = &x->bound_checks.data[i];
        if (c->tensor == tg_operand(op, 0) && c->d == d && c->extent == extent) {
            return true;
        }
    }
    tg_x86_bound_check c = {tg_operand(op, 0), extent, d};
    tg_vec_push(x->arena, &x->bound_checks, c);
    return true;
}

static LLVMValueRef clamp_lane(tg_x86 *x, LLVMValueRef v) {
    tg_llvm *l = x->l;
    v = tg_llvm_max64(l, tg_llvm_min64(l, v, tg_llvm_i64(l, x->lanes)), tg_llvm_i64(l, 0));
    return LLVMBuildTrunc(x->builder, v, l->i32, "");
}

/* `mask`, and 0 <= index < dim. Consecutive lanes compare their numbers, in 32 bits, with where the range begins and ends; it ends at once where a
 * mask of one bit, as for a row, is off. */
static LLVMValueRef and_below(tg_x86 *x, LLVMValueRef mask, tg_x86_val index, LLVMValueRef dim) {
    LLVMBuilderRef b = x->builder;
    if (!is_unit(index)) {
        LLVMValueRef v = tg_x86_plain(x, index).v;
        return tg_x86_and_masks(x, mask, LLVMBuildICmp(b, LLVMIntULT, v, tg_llvm_splat(x->l, dim, tg_llvm_lanes(v)), ""));
    }
    bool row = mask && !tg_llvm_is_vector(mask);
    LLVMValueRef ids[64];
    for (unsigned i = 0; i < x->lanes; i++) {
        ids[i] = tg_llvm_i32(x->l, i);
    }
    LLVMValueRef lanes = LLVMConstVector(ids, x->lanes);
    LLVMValueRef first = tg_llvm_splat(x->l, clamp_lane(x, LLVMBuildNeg(b, index.v, "")), x->lanes);
    LLVMValueRef end = clamp_lane(x, LLVMBuildSub(b, dim, index.v, ""));
    end = row ? LLVMBuildSelect(b, mask, end, tg_llvm_i32(x->l, 0), "") : end;
    LLVMValueRef before = LLVMBuildICmp(b, LLVMIntSLT, lanes, tg_llvm_splat(x->l, end, x->lanes), "");
    LLVMValueRef inside = LLVMBuildAnd(b, LLVMBuildICmp(b, LLVMIntSGE, lanes, first, ""), before, "");
    return row ? inside : tg_x86_and_masks(x, mask, inside);
}

/* What is the same for all lanes, and often for a whole loop, goes to the base where the lanes are consecutive: the address of
 * each vector of an iteration is then one register, the loop's index and a constant. */
static void base_at(tg_x86 *x, address *a, tg_x86_val uniform) {
    int64_t zero;
    bool apart = tg_x86_direction(a->offset) && tg_dtype_kind_of(a->dtype) != TG_KIND_COMPLEX && tg_dtype_bits(a->dtype) != 4;
    if (tg_llvm_is_const(uniform.v, &zero) && zero == 0) {
        return;
    }
    if (apart) {
        a->base = tg_llvm_gep(x->l, a->element, a->base, uniform.v);
    } else {
        a->offset = add_scaled(x, uniform, a->offset, tg_llvm_i64(x->l, 1));
    }
}

static bool is_uniform(tg_x86_val index) {
    return !index.step && !tg_llvm_is_vector(index.v);
}

/* Does the address have a row that points of a tile share? Its positions are those of the dimension before the last. */
static bool has_row(const tg_x86 *x, const address *a) {
    return x->boxed && a->mask == NULL && tg_x86_direction(a->offset) == 1 && tg_dtype_bits(a->dtype) >= 8 && tg_dtype_kind_of(a->dtype) != TG_KIND_COMPLEX;
}

/* The stride of dimension d of `op`'s tensor: a constant where the fast variant takes it for granted. */
static LLVMValueRef stride_of(tg_x86 *x, const tg_op *op, uint32_t d, bool lanes, address *a) {
    tg_value *tensor = tg_operand(op, 0);
    const tg_x86_tensor *t = tg_x86_tensor_of(x, tensor);
    int64_t packed = lanes || a->channels ? tg_x86_packed_stride(x, tensor, d) : 0;
    /* A table is hardly ever strided; nor is what atomic operations work on, one element at a time. */
    bool unit = lanes || a->channels || t->rank == 1 || x->alone;
    if (d + 1 == t->rank && x->unit && unit && tg_x86_may_be_unit(tensor)) {
        tg_x86_note_unit(x, tensor);
        return tg_llvm_i64(x->l, 1);
    }
    if (d + 1 == t->rank || !packed) {
        return t->stride[d];
    }
    tg_x86_note_packed(x, tensor, d, packed);
    a->channels = lanes && !a->channels ? packed : a->channels;
    return tg_llvm_i64(x->l, packed);
}

/* The index of a dimension after that of the lanes: a constant is a channel, and no part of the offset. */
static bool take_channel(address *a, tg_x86_val index, LLVMValueRef stride) {
    int64_t c, step;
    bool known = tg_llvm_is_const(index.v, &c) && !index.step && tg_llvm_is_const(stride, &step) && c >= 0 && c < a->channels;
    a->channel += known ? c * step : 0;
    return known;
}

/* Lanes that are points of several elements share where these are. */
static void share_points(tg_x86 *x, address *a, bool known) {
    int64_t step;
    bool steps = a->offset.step && !tg_llvm_is_vector(a->offset.v) && tg_llvm_is_const(a->offset.step, &step) && step == a->channels;
    a->points = a->base;
    a->base = a->channel ? tg_llvm_gep(x->l, a->element, a->base, tg_llvm_i64(x->l, a->channel)) : a->base;
    a->channels = known && steps && a->channels > 1 && a->channel < a->channels ? a->channels : 0;
}

/* Address of the element of a memory op at a point, and the mask of lanes inside the tensor (null: proved). */
tg_x86_address tg_x86_address_of(tg_x86 *x, tg_x86_frame *f, tg_op *op, LLVMValueRef *inside) {
    tg_x86_tensor *t = tg_x86_tensor_of(x, tg_operand(op, 0));
    address a = {t->base, {tg_llvm_i64(x->l, 0), NULL, NULL}, NULL, t->dtype, tg_x86_mem_type(x, t->dtype),
                 element_align(t->dtype), false, 0, NULL, 0, 0, NULL, false, NULL};
    tg_x86_val uniform = a.offset;
    int64_t proved = tg_op_int(op, TG_ATTR_IN_BOUNDS, 0);
    LLVMValueRef column = NULL;
    bool turned = tg_x86_is_turned(x, op), known = true;
    *inside = NULL;
    for (uint32_t d = 0; d < t->rank; d++) {
        tg_x86_val index = tg_x86_eval(x, f, tg_op_index(op, d));
        if (!(proved >> d & 1) && !tg_x86_is_boxed(x, op, d) && !tg_x86_checked_at_launch(x, op, d)) {
            *inside = and_below(x, *inside, index, t->dim[d]);
        }
        bool side = a.channels > 0;
        LLVMValueRef stride = stride_of(x, op, d, index.step || tg_llvm_is_vector(index.v), &a);
        stride = turned && d + 1 == t->rank ? tg_llvm_i64(x->l, 1) : stride;
        bool at_row = x->boxed && !turned && d + 2 == t->rank;
        LLVMValueRef moved = turned ? NULL : tg_x86_move_constant(x, &a, &index, stride, at_row);
        column = at_row ? moved : column;
        if (moved && !at_row) {
            a.base = LLVMBuildGEP2(x->builder, a.element, a.base, &moved, 1, "");
        }
        bool channel = side && take_channel(&a, index, stride);
        known = known && (!side || channel);
        if (!channel) {
            tg_x86_val *part = is_uniform(index) ? &uniform : &a.offset;
            *part = add_scaled(x, *part, index, stride);
        }
    }
    base_at(x, &a, uniform);
    share_points(x, &a, known);
    if (has_row(x, &a)) {
        tg_x86_point_at_row(x, &a, column);
    } else if (column) {
        a.base = LLVMBuildGEP2(x->builder, a.element, a.base, &column, 1, "");
    }
    return a;
}

/* One half of complex elements: an access to a tensor of reals with doubled strides. */
static void take_part(tg_x86 *x, const tg_op *op, address *a) {
    tg_enum part = tg_op_enum(op, TG_ATTR_PART, TG_ENUM_NONE);
    if (part != TG_ENUM_NONE) {
        a->offset = scaled_offset(x, a->offset, 2, part == TG_PART_IM);
        a->dtype = tg_dtype_real(a->dtype);
    }
}

/* Where no lane is inside, as at the border of an image, the whole row of elements that the loop over the vector axis reads is one of
 * zeros: the choice is the loop's, not each vector's. */
static bool reads_zeros(tg_x86 *x, const tg_op *op, address *a, LLVMValueRef inside) {
    const tg_value *last = tg_op_index(op, tg_op_n_indices(op) - 1);
    bool row = x->zeros && last->def && last->def->opcode == TG_OP_IOTA && tg_op_axis(last->def, TG_ATTR_AXIS) == x->zeroed;
    bool plain = tg_dtype_kind_of(a->dtype) != TG_KIND_COMPLEX && tg_dtype_bits(a->dtype) >= 8 && tg_dtype_bits(a->dtype) <= 32;
    if (!row || !plain || a->mask || !inside || tg_llvm_is_vector(inside) || !is_unit(a->offset)) {
        return false;
    }
    LLVMValueRef zeros = tg_llvm_gep(x->l, a->element, x->zeros, LLVMBuildNeg(x->builder, x->ranges[x->zeroed->rank].first, ""));
    a->base = LLVMBuildSelect(x->builder, inside, a->base, zeros, "");
    return true;
}

tg_x86_val tg_x86_load_tensor(tg_x86 *x, tg_x86_frame *f, tg_op *op) {
    if (tg_x86_is_packed(x, tg_result(op, 0))) {
        tg_x86_refuse(x, op, "reads a packed operand, but not as a product in registers does");
    }
    LLVMValueRef inside;
    address a = tg_x86_address_of(x, f, op, &inside);
    take_part(x, op, &a);
    tg_value *otherwise = tg_op_else(op);
    a.mask = f->mask;
    if (otherwise || !reads_zeros(x, op, &a, inside)) {
        a.mask = tg_x86_and_masks(x, f->mask, inside);
    }
    tg_x86_request_operand(x, op, &a);
    LLVMValueRef turned = !inside && tg_x86_is_turned(x, op) ? tg_x86_load_turned(x, f, op, &a) : NULL;
    tg_x86_val v = turned ? (tg_x86_val){to_register(x, &a, turned), NULL, NULL} : load_at(x, &a);
    bool zeros = !otherwise && !v.im && a.dtype != TG_F8E8M0; /* which has no zero */
    if (!inside || (zeros && !tg_llvm_is_vector(inside))) { /* where no lane is inside, zeros were read */
        return v;
    }
    unsigned n = tg_llvm_lanes(inside) > tg_llvm_lanes(v.v) ? tg_llvm_lanes(inside) : tg_llvm_lanes(v.v);
    tg_x86_val e = {LLVMConstNull(LLVMTypeOf(v.v)), NULL, v.im ? LLVMConstNull(LLVMTypeOf(v.v)) : NULL};
    if (otherwise) {
        e = tg_x86_plain(x, tg_x86_eval(x, f, otherwise));
        n = tg_llvm_lanes(e.v) > n ? tg_llvm_lanes(e.v) : n;
    }
    LLVMValueRef c = tg_llvm_splat(x->l, inside, n);
    v.v = LLVMBuildSelect(x->builder, c, tg_llvm_splat(x->l, v.v, n), tg_llvm_splat(x->l, e.v, n), "");
    v.im = v.im ? LLVMBuildSelect(x->builder, c, tg_llvm_splat(x->l, v.im, n), tg_llvm_splat(x->l, e.im, n), "") : NULL;
    return v;
}

tg_x86_address tg_x86_address_in(tg_x86 *x, tg_x86_frame *f, tg_op *op) {
    LLVMValueRef inside;
    return tg_x86_address_of(x, f, op, &inside);
}

tg_x86_val tg_x86_load_back(tg_x86 *x, tg_x86_frame *f, tg_op *store) {
    address a = tg_x86_address_in(x, f, store);
    a.mask = f->mask;
    if (x->ahead.next) {
        tg_x86_request_operands_of(x, f, tg_operand(store, 1));
    }
    return load_at(x, &a);
}

/* Is it what a scan gives, and a distance from there? `steps`: how many operations may be looked at. */
static bool counts(const tg_value *v, unsigned steps) {
    const tg_op *op = v->def;
    if (!op || steps == 0) {
        return false;
    }
    bool sum = op->opcode == TG_OP_ADD, same = op->opcode == TG_OP_SUB || op->opcode == TG_OP_CAST || op->opcode == TG_OP_BROADCAST;
    return op->opcode == TG_OP_SCAN || ((sum || same) && counts(tg_operand(op, 0), steps - 1)) || (sum && counts(tg_operand(op, 1), steps - 1));
}

static bool is_counted(const tg_op *store) {
    enum { STEPS = 4 };
    uint32_t rank = tg_op_n_indices(store);
    return rank > 0 && counts(tg_op_index(store, rank - 1), STEPS);
}

/* Lanes side by side are tested all at once (gather.c), where the index is the whole address. */
static bool tests_later(tg_x86 *x, tg_x86_frame *f, const tg_op *store, const address *a) {
    return tg_op_n_indices(store) == 1 && tg_x86_may_be_side_by_side(x, a) && tg_x86_eval(x, f, tg_op_index(store, 0)).v == a->offset.v;
}

void tg_x86_store_tensor(tg_x86 *x, tg_x86_frame *f, tg_op *op) {
    LLVMValueRef inside;
    address a = tg_x86_address_of(x, f, op, &inside);
    take_part(x, op, &a);
    tg_value *guard = tg_op_guard(op);
    a.mask = tg_x86_and_masks(x, f->mask, guard ? tg_x86_eval(x, f, guard).v : NULL);
    a.counted = is_counted(op);
    if (inside && tests_later(x, f, op, &a)) {
        a.until = tg_x86_tensor_of(x, tg_operand(op, 0))->dim[0];
        tg_llvm_take_back(inside); /* LLVM's passes would keep it where it is */
    } else {
        a.mask = tg_x86_and_masks(x, a.mask, inside);
    }
    tg_x86_request_result(x, tg_x86_tensor_of(x, tg_operand(op, 0)), &a);
    store_at(x, &a, tg_x86_eval(x, f, tg_operand(op, 1)));
}

void tg_x86_store_channels(tg_x86 *x, tg_x86_frame **f, tg_op **op, uint32_t n) {
    LLVMValueRef value[TG_X86_CLOSE_LANES];
    address first = {0};
    bool together = x->lanes > 1;
    for (uint32_t k = 0; k < n; k++) {
        LLVMValueRef inside;
        address a = tg_x86_address_of(x, f[k], op[k], &inside);
        together = together && !inside && a.channels == n && a.channel == k;
        first = k == 0 ? a : first;
    }
    for (uint32_t k = 0; k < n && together; k++) {
        tg_x86_val v = tg_x86_plain(x, tg_x86_eval(x, f[k], tg_operand(op[k], 1)));
        value[k] = tg_llvm_splat(x->l, from_register(x, &first, v.v), x->lanes);
    }
    if (together) {
        first.mask = f[0]->mask;
        tg_x86_store_pixels(x, &first, value);
        return;
    }
    for (uint32_t k = 0; k < n; k++) {
        tg_x86_store_tensor(x, f[k], op[k]);
    }
}

/* ---- buffers ---------------------------------------------------------------------------------------------------------- */

/* Where the buffer is. The rows of a tile ask one after the other: the slot, which stores of elements may be to for all that LLVM knows, is read once. */
static LLVMValueRef pointer_of(tg_x86 *x, tg_x86_buffer *b) {
    LLVMBasicBlockRef here = LLVMGetInsertBlock(x->builder);
    if (b->read_in != here) {
        b->read = LLVMBuildLoad2(x->builder, x->l->ptr, b->pointer, "");
        b->read_in = here;
    }
    return b->read;
}

static address buffer_address(tg_x86 *x, tg_x86_frame *f, tg_x86_buffer *b) {
    LLVMBuilderRef bl = x->builder;
    LLVMTypeRef element = tg_x86_buf_type(x, b->dtype);
    unsigned align = element == x->l->i8 ? 1 : element == x->l->i16 ? 2 : element == x->l->i64 || element == x->l->f64 ? 8 : 4;
    address a = {pointer_of(x, b), {tg_llvm_i64(x->l, 0), NULL, NULL}, NULL, b->dtype, element, align, true,
                 tg_dtype_kind_of(b->dtype) == TG_KIND_COMPLEX && !b->capacity ? b->bytes / 2 : 0,
                 b->capacity ? NULL : b->pointer, 0, 0, NULL, false, NULL};
    tg_x86_val uniform = a.offset;
    for (uint32_t i = 0; i < b->n_axes; i++) {
        const tg_x86_val *index = tg_x86_frame_index(f, b->axes[i]);
        LLVMValueRef first = x->ranges[b->axes[i]->rank].first;
        tg_x86_val rel = *index;
        int64_t zero;
        bool from_zero = tg_llvm_is_const(first, &zero) && zero == 0;
        rel.v = from_zero ? rel.v : LLVMBuildSub(bl, rel.v, tg_llvm_splat(x->l, first, tg_llvm_lanes(rel.v)), "");
        LLVMValueRef stride = b->stride[i] ? tg_llvm_i64(x->l, b->stride[i]) : LLVMBuildLoad2(bl, x->l->i64, b->slot[i], "");
        tg_x86_val *part = is_uniform(rel) ? &uniform : &a.offset;
        *part = add_scaled(x, *part, rel, stride);
    }
    base_at(x, &a, uniform);
    return a;
}

tg_x86_val tg_x86_buffer_load(tg_x86 *x, tg_x86_frame *f, tg_x86_buffer *b) {
    address a = buffer_address(x, f, b);
    a.mask = f->mask;
    return load_at(x, &a);
}

void tg_x86_buffer_store(tg_x86 *x, tg_x86_frame *f, tg_x86_buffer *b, tg_x86_val v) {
    address a = buffer_address(x, f, b);
    a.mask = f->mask;
    store_at(x, &a, v);
}

LLVMValueRef tg_x86_buffer_pointer(tg_x86 *x, tg_x86_frame *f, tg_x86_buffer *b) {
    address a = buffer_address(x, f, b);
    return tg_llvm_gep(x->l, a.element, a.base, a.offset.v);
}

LLVMValueRef tg_x86_alloca(tg_x86 *x, LLVMTypeRef type) {
    LLVMBasicBlockRef here = LLVMGetInsertBlock(x->builder);
    LLVMPositionBuilderAtEnd(x->builder, x->allocas);
    LLVMValueRef slot = LLVMBuildAlloca(x->builder, type, "");
    LLVMPositionBuilderAtEnd(x->builder, here);
    return slot;
}
