/* Lanes that are rows apart, in a nest that only stores: a matrix is turned over.
 *
 *   for i  for j by L lanes: Y[i, j] = X[j, i]        the lanes of X[j, i] are L rows of X, one element of each
 *
 * A gather reads L lines for L elements. So the axis along which X has its rows is the nest's *tile*: L points of it at a time, for which the rows are
 * read as L vectors, and a square of L x L elements is transposed in registers. The first point's load does that for all of them.
 *
 *   vectors   X[j, i … i+L-1], X[j+1, i …], …     log L times: neighbours from the lower and the upper half, interleaved (Stone 1971)
 *   point u   X[j … j+L-1, i+u]
 *
 * At the end of the vector axis, under a mask, rows that do not exist are the last one that does. */
#include "targets/x86/memory/address.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"

#include <string.h>

struct tg_x86_turned {
    const tg_op *load;
    LLVMBasicBlockRef block;
    LLVMValueRef point[TG_X86_MAX_POINTS];
    tg_x86_turned *next;
};

/* ---- which nests --------------------------------------------------------------------------------------------- */

static bool only_stores(const tg_x86_nest *n) {
    bool stores = n->n_inner == 0;
    for (uint32_t i = 0; i < n->roots.len && stores; i++) {
        const tg_x86_root *r = &n->roots.data[i];
        stores = r->kind == TG_X86_ROOT_STORE && !r->after && !tg_op_guard(r->op);
    }
    return stores;
}

/* Does the nest write it, or may it be what the nest writes? */
static bool is_stored(const tg_x86_nest *n, const tg_value *tensor) {
    bool stored = tensor->def != NULL; /* one made here may be another by address */
    for (uint32_t i = 0; i < n->roots.len; i++) {
        stored |= tg_operand(n->roots.data[i].op, 0) == tensor;
    }
    return stored;
}

/* Has the load its rows along `a`, and are the lanes rows? */
static bool has_rows_along(const tg_x86_nest *n, const tg_op *load, const tg_axis *a) {
    uint32_t rank = tg_op_n_indices(load);
    bool lanes = false;
    for (uint32_t d = 0; d + 1 < rank; d++) {
        lanes |= tg_x86_axis_of(tg_op_index(load, d)) == n->vector;
        if (tg_type_has_axis(tg_op_index(load, d)->type, a)) {
            return false;
        }
    }
    int bits = tg_dtype_bits(tg_operand(load, 0)->type->dtype);
    bool plain = bits >= 8 && tg_dtype_kind_of(tg_operand(load, 0)->type->dtype) != TG_KIND_COMPLEX;
    return lanes && plain && tg_x86_axis_of(tg_op_index(load, rank - 1)) == a && !is_stored(n, tg_operand(load, 0)) && !tg_op_else(load);
}

void tg_x86_choose_turn(tg_x86 *x, tg_x86_nest *n) {
    bool may = x->unit && !x->options->baseline && n->vector && !n->tile && !n->partner && !n->bordered.len && !n->reverse && only_stores(n);
    tg_x86_loads loads;
    tg_x86_axes moved;
    if (!may || n->lanes != n->narrow || n->lanes > TG_X86_MAX_POINTS || !tg_x86_loads_of(x, n, &loads, &moved) || moved.len) {
        return;
    }
    for (uint32_t i = 0; i < n->n_outer && !n->tile; i++) {
        int64_t bound = x->ranges[n->outer[i]->rank].bound;
        for (uint32_t k = 0; k < loads.len && (!bound || bound >= n->lanes) && n->outer[i] != n->vector; k++) {
            if (has_rows_along(n, loads.data[k], n->outer[i])) {
                tg_vec_push(x->arena, &n->turned, loads.data[k]);
                n->tile = n->outer[i];
            }
        }
    }
    if (!n->tile) {
        return;
    }
    n->tile_points = n->lanes;
    n->unroll = 1;
    n->repeats = true;
    for (uint32_t k = 0; k < loads.len; k++) {
        n->repeats &= !is_stored(n, tg_operand(loads.data[k], 0));
    }
}

LLVMValueRef tg_x86_may_turn(tg_x86 *x, const tg_x86_nest *n) {
    LLVMValueRef all = NULL;
    for (uint32_t i = 0; i < n->turned.len; i++) {
        const tg_x86_tensor *t = tg_x86_tensor_of(x, tg_operand(n->turned.data[i], 0));
        LLVMValueRef unit = LLVMBuildICmp(x->builder, LLVMIntEQ, t->stride[t->rank - 1], tg_llvm_i64(x->l, 1), "");
        all = all ? LLVMBuildAnd(x->builder, all, unit, "") : unit;
    }
    return all;
}

/* ---- their loads ---------------------------------------------------------------------------------------------- */

bool tg_x86_is_turned(const tg_x86 *x, const tg_op *load) {
    const tg_x86_nest *n = x->boxed;
    for (uint32_t i = 0; n && i < n->turned.len; i++) {
        if (n->turned.data[i] == load) {
            return true;
        }
    }
    return false;
}

/* Neighbours of the lower, or the upper, halves of a and b in turn. */
static LLVMValueRef interleave(tg_x86 *x, LLVMValueRef a, LLVMValueRef b, bool upper) {
    unsigned pick[TG_X86_MAX_POINTS], n = x->lanes;
    for (unsigned i = 0; i < n; i++) {
        pick[i] = i / 2 + (upper ? n / 2 : 0) + i % 2 * n;
    }
    return tg_llvm_shuffle(x->l, a, b, pick, n);
}

static void transpose(tg_x86 *x, LLVMValueRef *v) {
    LLVMValueRef to[TG_X86_MAX_POINTS];
    unsigned n = x->lanes;
    for (unsigned stage = 1; stage < n; stage *= 2) {
        for (unsigned i = 0; i < n / 2; i++) {
            to[2 * i] = interleave(x, v[i], v[i + n / 2], false);
            to[2 * i + 1] = interleave(x, v[i], v[i + n / 2], true);
        }
        memcpy(v, to, n * sizeof *v);
    }
}

/* Of a mask that is set up to some lane: that lane's number. */
static LLVMValueRef last_lane(tg_x86 *x, LLVMValueRef mask) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef bits = LLVMIntTypeInContext(x->l->context, x->lanes);
    LLVMValueRef set = tg_llvm_call1(x->l, "llvm.ctpop", LLVMBuildBitCast(b, mask, bits, ""));
    return LLVMBuildSub(b, LLVMBuildZExt(b, set, x->l->i64, ""), tg_llvm_i64(x->l, 1), "");
}

static tg_x86_turned *turned_at(tg_x86 *x, const tg_op *load, const tg_x86_address *a, unsigned point) {
    LLVMBuilderRef b = x->builder;
    tg_x86_turned *t = TG_NEW(x->arena, tg_x86_turned);
    *t = (tg_x86_turned){load, LLVMGetInsertBlock(b), {NULL}, x->turned};
    LLVMTypeRef type = LLVMVectorType(a->element, x->lanes);
    LLVMValueRef last = a->mask ? last_lane(x, tg_x86_lane_mask(x, a->mask)) : NULL;
    LLVMValueRef first = LLVMBuildSub(b, a->offset.v, tg_llvm_i64(x->l, point), "");
    for (unsigned i = 0; i < x->lanes; i++) {
        LLVMValueRef lane = tg_llvm_i64(x->l, i);
        LLVMValueRef down = LLVMBuildMul(b, last ? tg_llvm_min64(x->l, lane, last) : lane, a->offset.step, "");
        LLVMValueRef at = tg_llvm_gep(x->l, a->element, a->base, LLVMBuildAdd(b, first, down, ""));
        t->point[i] = tg_llvm_load(x->l, type, at, a->align);
    }
    transpose(x, t->point);
    x->turned = t;
    return t;
}

LLVMValueRef tg_x86_load_turned(tg_x86 *x, const tg_x86_frame *f, const tg_op *load, const tg_x86_address *a) {
    LLVMValueRef index = tg_x86_frame_index(f, x->boxed->tile)->v;
    unsigned point = 0;
    while (point < x->lanes && x->tile_at[point] != index) {
        point++;
    }
    bool fits = point < x->lanes && x->lanes == x->boxed->tile_points && a->offset.step && !tg_llvm_is_vector(a->offset.v);
    tg_x86_turned *t = fits ? x->turned : NULL;
    while (t && (t->load != load || t->block != LLVMGetInsertBlock(x->builder))) {
        t = t->next;
    }
    return !fits ? NULL : (t ? t : turned_at(x, load, a, point))->point[point];
}
