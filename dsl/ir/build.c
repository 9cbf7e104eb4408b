/* Building operations. tg_build_op is the general form; the others infer the result type by the
 * rules of ops.def and so cannot be given a wrong one. None of them checks its operands:
 * that is the verifier's work. */
#include "dsl/ir/ir.h"
#include "dsl/ir/ir_internal.h"

/* ---- attributes ------------------------------------------------------------------------- */

tg_attr tg_attr_int(tg_attr_key key, int64_t v) {
    return (tg_attr){.key = key, .kind = TG_AK_INT, .i = v};
}

tg_attr tg_attr_float(tg_attr_key key, double v) {
    return (tg_attr){.key = key, .kind = TG_AK_NUM, .f = v};
}

tg_attr tg_attr_flag(tg_attr_key key) {
    return (tg_attr){.key = key, .kind = TG_AK_FLAG, .i = 1};
}

tg_attr tg_attr_enum(tg_attr_key key, tg_enum v) {
    return (tg_attr){.key = key, .kind = TG_AK_ENUM, .i = v};
}

tg_attr tg_attr_axis(tg_arena *arena, tg_attr_key key, tg_axis *a) {
    tg_axis *const *axes = TG_COPY_ARRAY(arena, tg_axis *, &a, 1);
    return (tg_attr){.key = key, .kind = TG_AK_AXIS, .n_axes = 1, .axes = axes};
}

tg_attr tg_attr_axes(tg_arena *arena, tg_attr_key key, tg_axis *const *axes, uint32_t n) {
    tg_axis *const *copy = n ? TG_COPY_ARRAY(arena, tg_axis *, axes, n) : NULL;
    return (tg_attr){.key = key, .kind = TG_AK_AXES, .n_axes = (uint16_t)n, .axes = copy};
}

tg_attr tg_attr_str(tg_attr_key key, const char *s) {
    return (tg_attr){.key = key, .kind = TG_AK_STR, .str = s};
}

/* ---- the general form ------------------------------------------------------------------- */

tg_op *tg_build_op(tg_builder *b, tg_opcode opcode, tg_value *const *operands,
                   uint32_t n_operands, const tg_type *const *results, uint32_t n_results,
                   const tg_attr *attrs, uint32_t n_attrs) {
    tg_op *op = tg_op_new(b->func, opcode, n_operands, n_results, n_attrs);
    op->span = b->span;
    for (uint32_t i = 0; i < n_operands; i++) {
        tg_op_set_initial_operand(op, i, operands[i]);
    }
    for (uint32_t i = 0; i < n_results; i++) {
        op->results[i].type = results[i];
    }
    for (uint32_t i = 0; i < n_attrs; i++) {
        tg_op_put_attr(op, attrs[i]);
    }
    tg_op_insert(op, b->block, b->before);
    return op;
}

static tg_value *build_one(tg_builder *b, tg_opcode opcode, tg_value *const *operands,
                           uint32_t n, const tg_type *type, const tg_attr *attr) {
    return tg_result(tg_build_op(b, opcode, operands, n, &type, 1, attr, attr ? 1 : 0), 0);
}

/* ---- elementwise ------------------------------------------------------------------------ */

tg_value *tg_build_unary(tg_builder *b, tg_opcode op, tg_value *x) {
    bool predicate = tg_op_info_of(op)->results[0] == 'b';
    const tg_type *type = predicate ? tg_type_with_dtype(b->func, x->type, TG_BOOL) : x->type;
    return build_one(b, op, &x, 1, type, NULL);
}

static const tg_type *union_of(tg_builder *b, tg_dtype dtype, tg_value *const *v, uint32_t n) {
    const tg_type *types[16];
    for (uint32_t i = 0; i < n; i++) {
        types[i] = v[i]->type;
    }
    return tg_type_union(b->func, dtype, types, n);
}

tg_value *tg_build_binary(tg_builder *b, tg_opcode op, tg_value *x, tg_value *y) {
    tg_value *v[] = {x, y};
    return build_one(b, op, v, 2, union_of(b, x->type->dtype, v, 2), NULL);
}

tg_value *tg_build_fma(tg_builder *b, tg_value *x, tg_value *y, tg_value *z) {
    tg_value *v[] = {x, y, z};
    return build_one(b, TG_OP_FMA, v, 3, union_of(b, x->type->dtype, v, 3), NULL);
}

tg_value *tg_build_cmp(tg_builder *b, tg_enum pred, tg_value *x, tg_value *y) {
    tg_value *v[] = {x, y};
    tg_attr attr = tg_attr_enum(TG_ATTR_PRED, pred);
    return build_one(b, TG_OP_CMP, v, 2, union_of(b, TG_BOOL, v, 2), &attr);
}

tg_value *tg_build_select(tg_builder *b, tg_value *c, tg_value *x, tg_value *y) {
    tg_value *v[] = {c, x, y};
    return build_one(b, TG_OP_SELECT, v, 3, union_of(b, x->type->dtype, v, 3), NULL);
}

tg_value *tg_build_cast(tg_builder *b, tg_value *x, tg_dtype to) {
    if (x->type->dtype == to) {
        return x;
    }
    return build_one(b, TG_OP_CAST, &x, 1, tg_type_with_dtype(b->func, x->type, to), NULL);
}

tg_value *tg_build_bitcast(tg_builder *b, tg_value *x, tg_dtype to) {
    if (x->type->dtype == to) {
        return x;
    }
    return build_one(b, TG_OP_BITCAST, &x, 1, tg_type_with_dtype(b->func, x->type, to), NULL);
}

tg_value *tg_build_int(tg_builder *b, tg_dtype dtype, int64_t v) {
    int bits = tg_dtype_bits(dtype);
    if (dtype == TG_BOOL) {
        v = v != 0;
    } else if (bits < 64) { /* keep the low bits, as the language's conversion does */
        uint64_t low = (uint64_t)v & ((UINT64_C(1) << bits) - 1);
        uint64_t sign = UINT64_C(1) << (bits - 1);
        v = tg_dtype_kind_of(dtype) == TG_KIND_SINT ? (int64_t)((low ^ sign) - sign)
                                                    : (int64_t)low;
    }
    tg_attr attr = tg_attr_int(TG_ATTR_VALUE, v);
    return build_one(b, TG_OP_CONST, NULL, 0, tg_type_scalar(b->func, dtype), &attr);
}

tg_value *tg_build_float(tg_builder *b, tg_dtype dtype, double v) {
    tg_dtype real = tg_dtype_real(dtype);
    tg_attr attr = tg_attr_float(TG_ATTR_VALUE, tg_round_to(real, v));
    return build_one(b, TG_OP_CONST, NULL, 0, tg_type_scalar(b->func, dtype), &attr);
}

tg_value *tg_build_iota(tg_builder *b, tg_axis *a) {
    tg_attr attr = tg_attr_axis(b->func->arena, TG_ATTR_AXIS, a);
    return build_one(b, TG_OP_IOTA, NULL, 0, tg_type_tile(b->func, TG_I64, &a, 1), &attr);
}

tg_value *tg_build_axis_attr(tg_builder *b, tg_opcode op, tg_axis *a) {
    tg_attr attr = tg_attr_axis(b->func->arena, TG_ATTR_AXIS, a);
    return build_one(b, op, NULL, 0, tg_type_scalar(b->func, TG_I64), &attr);
}

tg_value *tg_build_broadcast(tg_builder *b, tg_value *x, const tg_type *to) {
    return x->type == to ? x : build_one(b, TG_OP_BROADCAST, &x, 1, to, NULL);
}

/* ---- reductions ------------------------------------------------------------------------- */

tg_value *tg_build_reduce(tg_builder *b, tg_enum fn, tg_value *x, tg_axis *const *over,
                          uint32_t n) {
    const tg_type *type = tg_type_drop(b->func, x->type, over, n);
    if (fn == TG_FN_ARGMIN || fn == TG_FN_ARGMAX) {
        type = tg_type_with_dtype(b->func, type, TG_I64);
    }
    tg_attr attrs[] = {tg_attr_axes(b->func->arena, TG_ATTR_OVER, over, n),
                       tg_attr_enum(TG_ATTR_FN, fn)};
    return tg_result(tg_build_op(b, TG_OP_REDUCE, &x, 1, &type, 1, attrs, 2), 0);
}

tg_dtype tg_dot_dtype(tg_dtype x, tg_dtype y) {
    return x != y && tg_dtype_is_int(x) ? TG_I32 : tg_dtype_wide(x);
}

tg_value *tg_build_dot(tg_builder *b, tg_value *x, tg_value *y, tg_value *acc,
                       tg_axis *const *over, uint32_t n) {
    tg_value *v[] = {x, y, acc};
    uint32_t count = acc ? 3 : 2;
    const tg_type *type = union_of(b, tg_dot_dtype(x->type->dtype, y->type->dtype), v, count);
    type = tg_type_drop(b->func, type, over, n);
    tg_attr attr = tg_attr_axes(b->func->arena, TG_ATTR_OVER, over, n);
    return build_one(b, TG_OP_DOT, v, count, type, &attr);
}

/* ---- tensors ---------------------------------------------------------------------------- */

tg_value *tg_build_dim(tg_builder *b, tg_value *tensor, uint32_t d) {
    tg_attr attr = tg_attr_int(TG_ATTR_D, d);
    return build_one(b, TG_OP_DIM, &tensor, 1, tg_type_scalar(b->func, TG_I64), &attr);
}

enum { MAX_MEMORY_OPERANDS = 16 }; /* tensor, value, at most 8 indices, guard */

tg_value *tg_build_load(tg_builder *b, tg_value *tensor, tg_value *const *indices, uint32_t n,
                        tg_value *otherwise) {
    tg_value *v[MAX_MEMORY_OPERANDS] = {tensor};
    uint32_t count = 1;
    for (uint32_t i = 0; i < n && count < MAX_MEMORY_OPERANDS - 1; i++) {
        v[count++] = indices[i];
    }
    if (otherwise) {
        v[count++] = otherwise;
    }
    return build_one(b, TG_OP_LOAD, v, count,
                     union_of(b, tensor->type->dtype, v + 1, count - 1), NULL);
}

tg_op *tg_build_store(tg_builder *b, tg_value *tensor, tg_value *value,
                      tg_value *const *indices, uint32_t n, tg_value *guard) {
    tg_value *v[MAX_MEMORY_OPERANDS] = {tensor, value};
    uint32_t count = 2;
    for (uint32_t i = 0; i < n && count < MAX_MEMORY_OPERANDS - 1; i++) {
        v[count++] = indices[i];
    }
    if (guard) {
        v[count++] = guard;
    }
    return tg_build_op(b, TG_OP_STORE, v, count, NULL, 0, NULL, 0);
}

void tg_build_yield(tg_builder *b, tg_value *const *values, uint32_t n) {
    tg_build_op(b, TG_OP_YIELD, values, n, NULL, 0, NULL, 0);
}
