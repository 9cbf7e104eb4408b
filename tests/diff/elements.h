/* Elements of dense tensors of f32 or f64 as doubles. */
#ifndef TG_TESTS_DIFF_ELEMENTS_H
#define TG_TESTS_DIFF_ELEMENTS_H

#include "tegula/tegula.h"

static double element_at(const tg_tensor *x, int64_t i) {
    const void *data = tg_tensor_data(x);
    return tg_tensor_dtype(x) == TG_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static void set_element(tg_tensor *x, int64_t i, double v) {
    void *data = tg_tensor_data(x);
    if (tg_tensor_dtype(x) == TG_F64) {
        ((double *)data)[i] = v;
    } else {
        ((float *)data)[i] = (float)v;
    }
}

#endif
