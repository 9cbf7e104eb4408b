/* Stores that go past the caches.
 *
 * A plain store first reads the line it writes to, and drives other lines out: a result larger than the caches costs twice its
 * bytes. A non-temporal store does neither. It pays where the result is not read again here and would not stay in the caches, on
 * processors whose buffers for such stores are good (machine->stream_bytes), and only if lines are written whole:
 *
 *   once per task     big   = bytes of the tensor >= machine->stream_bytes
 *                     lines = its first element and the distances of its rows are multiples of a line
 *   per nest          the block's first element too
 *
 * Then the loop over full vectors has a second version (nest.c); what is left at the end of a row stays plain. */
#include "targets/x86/memory/memory.h"

enum { LINE = 64, LEAST = 16 /* bytes of a vector */ };

const tg_axis *tg_x86_axis_of(const tg_value *v) {
    const tg_op *op = v->def;
    while (op && op->opcode == TG_OP_BROADCAST) {
        op = tg_operand(op, 0)->def;
    }
    return op && op->opcode == TG_OP_IOTA ? tg_op_axis(op, TG_ATTR_AXIS) : NULL;
}

bool tg_x86_is_only_use(const tg_op *store) {
    const tg_op *around = store->parent->parent->parent;
    for (const tg_use *u = tg_operand(store, 0)->uses; u; u = u->next) {
        if (u->user != store && u->user->opcode != TG_OP_DIM) {
            return false;
        }
    }
    return around && (around->opcode == TG_OP_PAR || around->opcode == TG_OP_PHASE);
}

static int64_t size_of(const tg_op *store) {
    tg_dtype t = tg_operand(store, 0)->type->dtype;
    return tg_dtype_kind_of(t) == TG_KIND_COMPLEX || tg_dtype_bits(t) < 8 ? 0 : (int64_t)tg_dtype_size(t);
}

/* Do consecutive lanes fill lines, in every iteration? Of a matrix that is turned over, more rows are written in turn than there are buffers for. */
static bool fills_lines(tg_x86 *x, const tg_x86_nest *n, const tg_op *store) {
    uint32_t rank = tg_op_n_indices(store), least = n->turned.len ? LINE : LEAST;
    if (rank == 0 || tg_op_guard(store) || size_of(store) * n->lanes < least || !tg_x86_may_be_unit(tg_operand(store, 0))) {
        return false;
    }
    for (uint32_t d = 0; d + 1 < rank; d++) {
        if (tg_type_has_axis(tg_op_index(store, d)->type, n->vector)) {
            return false;
        }
    }
    bool proved = tg_op_int(store, TG_ATTR_IN_BOUNDS, 0) >> (rank - 1) & 1;
    const tg_value *last = tg_op_index(store, rank - 1);
    return tg_x86_axis_of(last) == n->vector && (proved || tg_x86_checked_at_launch(x, store, rank - 1)) && tg_x86_is_only_use(store);
}

static LLVMValueRef line_aligned(tg_x86 *x, LLVMValueRef bytes) {
    LLVMValueRef low = LLVMBuildAnd(x->builder, bytes, tg_llvm_i64(x->l, LINE - 1), "");
    return LLVMBuildICmp(x->builder, LLVMIntEQ, low, tg_llvm_i64(x->l, 0), "");
}

LLVMValueRef tg_x86_is_large(tg_x86 *x, const tg_x86_tensor *t, int64_t least) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef bytes = tg_llvm_i64(x->l, (int64_t)tg_dtype_size(t->dtype));
    LLVMBasicBlockRef here = LLVMGetInsertBlock(b);
    LLVMPositionBuilderAtEnd(b, x->prologue.at);
    for (uint32_t d = 0; d < t->rank; d++) {
        bytes = LLVMBuildMul(b, bytes, t->dim[d], "");
    }
    LLVMValueRef large = LLVMBuildICmp(b, LLVMIntSGE, bytes, tg_llvm_i64(x->l, least), "");
    LLVMPositionBuilderAtEnd(b, here);
    return large;
}

/* What a whole task has in common: in the prologue. */
static LLVMValueRef tensor_test(tg_x86 *x, const tg_op *store) {
    LLVMBuilderRef b = x->builder;
    const tg_x86_tensor *t = tg_x86_tensor_of(x, tg_operand(store, 0));
    LLVMValueRef size = tg_llvm_i64(x->l, size_of(store)), big = tg_x86_is_large(x, t, x->machine->stream_bytes);
    LLVMBasicBlockRef here = LLVMGetInsertBlock(b);
    LLVMPositionBuilderAtEnd(b, x->prologue.at);
    LLVMValueRef places = LLVMBuildPtrToInt(b, t->base, x->l->i64, "");
    for (uint32_t d = 0; d + 1 < t->rank; d++) {
        places = LLVMBuildOr(b, places, LLVMBuildMul(b, t->stride[d], size, ""), "");
    }
    LLVMValueRef test = LLVMBuildAnd(b, big, line_aligned(x, places), "");
    LLVMPositionBuilderAtEnd(b, here);
    return test;
}

bool tg_x86_is_one_line(const tg_x86_nest *n) {
    return n->n_inner == 0 || (n->n_inner == 1 && n->inner[0] == n->vector);
}

/* Does it leave memory alone, and run in whatever loop the stores do? A loop that runs downwards begins at no line. */
static bool goes_along(const tg_x86_nest *n, const tg_x86_root *r) {
    return !r->after && (r->kind == TG_X86_ROOT_FILL || r->kind == TG_X86_ROOT_REDUCE || (r->kind == TG_X86_ROOT_SCAN && !n->reverse));
}

LLVMValueRef tg_x86_stream_test(tg_x86 *x, const tg_x86_nest *n) {
    LLVMValueRef test = NULL;
    bool may = x->machine->stream_bytes && x->unit && n->vector && !n->partner && tg_x86_is_one_line(n) && (!n->tile || n->turned.len);
    for (uint32_t i = 0; may && i < n->roots.len; i++) {
        const tg_x86_root *r = &n->roots.data[i];
        if (r->kind != TG_X86_ROOT_STORE) {
            may = goes_along(n, r);
        } else if (fills_lines(x, n, r->op)) {
            LLVMValueRef first = LLVMBuildMul(x->builder, x->ranges[n->vector->rank].first, tg_llvm_i64(x->l, size_of(r->op)), "");
            LLVMValueRef own = LLVMBuildAnd(x->builder, tensor_test(x, r->op), line_aligned(x, first), "");
            test = test ? LLVMBuildAnd(x->builder, test, own, "") : own;
        } else {
            may = false;
        }
    }
    int64_t known;
    bool never = test && tg_llvm_is_const(test, &known) && known == 0;
    return may && !never ? test : NULL;
}

void tg_x86_stream_store(tg_x86 *x, LLVMValueRef v, LLVMValueRef at, unsigned align) {
    unsigned bytes = align * tg_llvm_lanes(v);
    LLVMValueRef s = tg_llvm_store(x->l, v, at, bytes < LINE ? bytes : LINE);
    LLVMMetadataRef one = LLVMValueAsMetadata(tg_llvm_i32(x->l, 1));
    LLVMMetadataRef node = LLVMMDNodeInContext2(x->l->context, &one, 1);
    LLVMSetMetadata(s, LLVMGetMDKindIDInContext(x->l->context, "nontemporal", 11), LLVMMetadataAsValue(x->l->context, node));
    x->streamed = true;
}

/* Others may read when the task has ended: its stores must be out. */
void tg_x86_stream_end(tg_x86 *x) {
    if (x->streamed) {
        tg_llvm_call(x->l, "llvm.x86.sse.sfence", NULL, 0, NULL, 0);
    }
}
