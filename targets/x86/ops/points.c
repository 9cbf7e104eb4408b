/* Scalar loops over the points of a few axes, for operations that are not nests of the plan. */
#include "targets/x86/ops/ops.h"

void tg_x86_points_open(tg_x86 *x, tg_x86_points *l, tg_x86_frame *parent, tg_axis *const *axes, uint32_t n, const tg_axis *leave_out) {
    x->lanes = 1;
    l->n = 0;
    l->frame = tg_x86_frame_create(x, parent, x->place);
    for (uint32_t i = 0; i < n; i++) {
        if (axes[i] == leave_out) {
            continue;
        }
        const tg_x86_range *r = &x->ranges[axes[i]->rank];
        uint32_t k = l->n++;
        LLVMValueRef until = LLVMBuildAdd(x->builder, r->first, r->size, "");
        l->outside[k] = x->place;
        x->place->at = LLVMGetInsertBlock(x->builder);
        LLVMValueRef index = tg_llvm_loop_open(x->l, &l->loop[k], r->first, until, tg_llvm_i64(x->l, 1));
        l->place[k].at = LLVMGetInsertBlock(x->builder);
        x->place = &l->place[k];
        l->frame = tg_x86_frame_create(x, l->frame, x->place);
        tg_x86_frame_bind(l->frame, axes[i], (tg_x86_val){index, NULL, NULL});
    }
}

void tg_x86_points_close(tg_x86 *x, tg_x86_points *l) {
    while (l->n) {
        uint32_t k = --l->n;
        l->loop[k].before = l->outside[k]->at;
        tg_llvm_loop_close(x->l, &l->loop[k]);
        x->place = l->outside[k];
        x->place->at = LLVMGetInsertBlock(x->builder);
    }
}
