/* Parts of a reduction: boxes of its axes, see dot_sizes.c for how large they are and dot_emit.c for the loops over them. */
#include "targets/x86/dot/dot.h"

LLVMValueRef tg_x86_dot_extent(const tg_dot_emission *e, uint32_t i) {
    LLVMValueRef size = e->x->ranges[e->d->over[i]->rank].size;
    bool grouped = e->d->group > 1 && i + 1 == e->d->n_over;
    return grouped ? tg_llvm_ceil_div(e->l, size, tg_llvm_i64(e->l, e->d->group)) : size;
}

LLVMValueRef tg_x86_dot_extents(const tg_dot_emission *e, uint32_t from) {
    LLVMValueRef v = tg_llvm_i64(e->l, 1);
    for (uint32_t i = from; i < e->d->n_over; i++) {
        v = LLVMBuildMul(e->l->builder, v, tg_x86_dot_extent(e, i), "");
    }
    return v;
}

LLVMValueRef tg_x86_dot_counts(const tg_dot_emission *e, uint32_t from) {
    LLVMValueRef v = tg_llvm_i64(e->l, 1);
    for (uint32_t i = from; i < e->d->n_over; i++) {
        v = LLVMBuildMul(e->l->builder, v, e->count[i], "");
    }
    return v;
}

void tg_x86_dot_whole(tg_dot_emission *e) {
    for (uint32_t i = 0; i < e->d->n_over; i++) {
        e->from[i] = tg_llvm_i64(e->l, 0);
        e->count[i] = tg_x86_dot_extent(e, i);
    }
}

LLVMValueRef tg_x86_dot_part_base(const tg_dot_emission *e, const tg_dot_side *s) {
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef at = s->base;
    int64_t from;
    for (uint32_t i = 0; i < e->d->n_over && !s->of_part; i++) {
        if (!tg_llvm_is_const(e->from[i], &from) || from) {
            at = tg_llvm_gep(e->l, e->l->i8, at, LLVMBuildMul(b, e->from[i], tg_x86_dot_step(e, s, e->d->over[i]), ""));
        }
    }
    return at;
}
