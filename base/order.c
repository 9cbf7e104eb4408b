#include "base/order.h"

/* Four bits a place: the dimension, and whether it is joined to the next. Above them a bit a place, whether its stride is 0, and a byte, the last
 * stride less 1. The top bit tells an order from none. */
enum { BITS = 4, JOINED = 8, STILL_SHIFT = 32, STEP_SHIFT = 40, LONGEST_STEP = 4 };
#define GIVEN (UINT64_C(1) << 63)

static uint64_t distance(const int64_t *shape, const int64_t *stride, uint32_t d) {
    uint64_t s = stride[d] < 0 ? 0 - (uint64_t)stride[d] : (uint64_t)stride[d];
    return shape[d] <= 1 || s == 0 ? UINT64_MAX : s;
}

tg_order tg_order_of(const int64_t *shape, const int64_t *stride, uint32_t rank) {
    uint32_t sorted[64 / BITS - 1];
    if (rank == 0 || rank > JOINED) {
        return 0;
    }
    for (uint32_t d = 0; d < rank; d++) {
        uint32_t k = d;
        for (; k > 0 && distance(shape, stride, sorted[k - 1]) < distance(shape, stride, d); k--) {
            sorted[k] = sorted[k - 1];
        }
        sorted[k] = d;
    }
    uint32_t last = sorted[rank - 1];
    int64_t step = shape[last] > 1 && stride[last] ? stride[last] : 1;
    if (step < -1 || step > LONGEST_STEP) {
        return 0;
    }
    tg_order o = GIVEN | (uint64_t)((step - 1) & 0xff) << STEP_SHIFT;
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t d = sorted[i], next = i + 1 < rank ? sorted[i + 1] : d;
        bool joined = i + 1 < rank && (shape[d] <= 1 || (shape[next] > 1 && stride[d] == shape[next] * stride[next]));
        o |= (uint64_t)(d | (joined ? JOINED : 0)) << (BITS * i);
        o |= (uint64_t)(shape[d] > 1 && stride[d] == 0) << (STILL_SHIFT + i);
    }
    return o;
}

tg_order tg_order_dense(uint32_t rank) {
    tg_order o = GIVEN;
    for (uint32_t i = 0; i < rank && i < JOINED; i++) {
        o |= (uint64_t)(i | (i + 1 < rank ? JOINED : 0)) << (BITS * i);
    }
    return o;
}

uint32_t tg_order_dimension(tg_order o, uint32_t i) {
    return o ? (uint32_t)(o >> (BITS * i)) & (JOINED - 1) : i;
}

uint32_t tg_order_place(tg_order o, uint32_t d, uint32_t rank) {
    for (uint32_t i = 0; i < rank; i++) {
        if (tg_order_dimension(o, i) == d) {
            return i;
        }
    }
    return d;
}

bool tg_order_joins(tg_order o, uint32_t i) {
    return o != 0 && (o >> (BITS * i) & JOINED) != 0;
}

bool tg_order_is_still(tg_order o, uint32_t i) {
    return o >> (STILL_SHIFT + i) & 1;
}

int64_t tg_order_step(tg_order o) {
    return (int64_t)(int8_t)(o >> STEP_SHIFT & 0xff) + 1;
}
