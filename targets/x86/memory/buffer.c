/* Buffers: tiles in the scratch of an instance, or in worker memory where their size is known only when they are reached. */
#include "targets/x86/memory/memory.h"

static int64_t buffer_element_bytes(tg_dtype t) {
    int64_t size = (int64_t)tg_dtype_size(tg_dtype_real(t)) * (tg_dtype_kind_of(t) == TG_KIND_COMPLEX ? 2 : 1);
    return size < 4 && tg_dtype_is_float(t) ? 4 : size ? size : 1;
}

/* Lines whose distance is a multiple of a few hundred bytes meet in few sets of the first-level cache, so that walking across
 * them drives out what else is there: one line of padding spreads them over all sets. */
static int64_t padded_pitch(int64_t elements, int64_t size) {
    enum { LINE = 64, DENSE = 256 };
    return elements > 0 && elements * size % DENSE == 0 && LINE % size == 0 ? elements + LINE / size : elements;
}

/* Bytes to leave between the planes of a complex buffer. The arms of a butterfly are as far apart as the length's factors say, often a
 * multiple of the bytes that one way of the first-level cache holds (4 KiB on all our machines): if the planes are too, real and imaginary parts of
 * all arms share one set, and what is loaded waits for stores with the same low bits of the address. */
static int64_t plane_gap(int64_t plane) {
    enum { LINE = 64, DENSE = 256, WAY = 4096 };
    return plane >= WAY && plane % DENSE == 0 ? WAY / 4 + LINE : 0;
}

tg_x86_buffer *tg_x86_buffer_create(tg_x86 *x, const tg_type *type, tg_axis *innermost) {
    tg_x86_buffer *b = TG_NEW(x->arena, tg_x86_buffer);
    b->dtype = type->dtype;
    for (uint32_t i = 0; i < type->n_axes; i++) {
        if (type->axes[i] != innermost) {
            b->axes[b->n_axes++] = type->axes[i];
        }
    }
    if (innermost && tg_type_has_axis(type, innermost)) {
        b->axes[b->n_axes++] = innermost;
    }
    b->pointer = tg_x86_alloca(x, x->l->ptr);
    int64_t n = 1, size = buffer_element_bytes(b->dtype);
    bool is_complex = tg_dtype_kind_of(b->dtype) == TG_KIND_COMPLEX;
    for (uint32_t i = b->n_axes; i-- > 0;) {
        int64_t bound = x->ranges[b->axes[i]->rank].bound;
        b->stride[i] = n;
        b->slot[i] = n ? NULL : tg_x86_alloca(x, x->l->i64);
        n = n && bound && n * bound < 1 << 20 ? n * bound : 0;
        n = i + 1 == b->n_axes && i > 0 ? padded_pitch(n, is_complex ? size / 2 : size) : n; /* complex: two planes */
    }
    b->bytes = n * size + (is_complex ? 2 * plane_gap(n * size / 2) : 0);
    if (n == 0) {
        b->bytes = size; /* of one element */
        b->capacity = tg_x86_alloca(x, x->l->i64);
        LLVMBasicBlockRef here = LLVMGetInsertBlock(x->builder);
        LLVMPositionBuilderAtEnd(x->builder, x->instance_start);
        LLVMBuildStore(x->builder, tg_llvm_i64(x->l, 0), b->capacity);
        LLVMPositionBuilderAtEnd(x->builder, here);
    } else {
        int64_t offset = x->scratch_bytes;
        x->scratch_bytes += (b->bytes + 63 + 64) / 64 * 64;
        LLVMBasicBlockRef here = LLVMGetInsertBlock(x->builder);
        LLVMPositionBuilderAtEnd(x->builder, x->instance_start);
        LLVMBuildStore(x->builder, tg_llvm_gep(x->l, x->l->i8, x->scratch, tg_llvm_i64(x->l, offset)), b->pointer);
        LLVMPositionBuilderAtEnd(x->builder, here);
    }
    return b;
}

/* Makes room for a buffer whose size is known only now; it grows, and is released at the end of the instance. */
void tg_x86_buffer_reserve(tg_x86 *x, tg_x86_buffer *b) {
    if (!b->capacity) {
        return;
    }
    LLVMBuilderRef bl = x->builder;
    LLVMValueRef n = tg_llvm_i64(x->l, 1);
    for (uint32_t i = b->n_axes; i-- > 0;) {
        if (b->slot[i]) {
            LLVMBuildStore(bl, n, b->slot[i]);
        }
        bool is_static = i > 0 && b->stride[i - 1];
        n = is_static ? tg_llvm_i64(x->l, b->stride[i - 1]) : LLVMBuildMul(bl, n, x->ranges[b->axes[i]->rank].size, "");
    }
    LLVMValueRef bytes = LLVMBuildMul(bl, n, tg_llvm_i64(x->l, b->bytes), "");
    bytes = LLVMBuildAdd(bl, bytes, tg_llvm_i64(x->l, 64), "");
    LLVMValueRef have = LLVMBuildLoad2(bl, x->l->i64, b->capacity, "");
    tg_llvm_if c;
    tg_llvm_if_open(x->l, &c, LLVMBuildICmp(bl, LLVMIntSGT, bytes, have, ""));
    LLVMBuildStore(bl, tg_x86_worker_alloc(x, bytes), b->pointer);
    LLVMBuildStore(bl, bytes, b->capacity);
    tg_llvm_if_close(x->l, &c);
    b->read_in = NULL;
}
