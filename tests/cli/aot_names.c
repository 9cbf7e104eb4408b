/* Two variants of one kernel, compiled ahead of time under names of their own. C and C++. */
#include <stdio.h>
#include <string.h>

#include "with.h"
#include "without.h"

static int expect(tg_status status, tg_status want, const tg_aot *rt, const char *text) {
    if (status == want && strstr(tg_aot_last_error(rt), text)) {
        return 0;
    }
    printf("%d: %s, expected %d: %s\n", (int)status, tg_aot_last_error(rt), (int)want, text);
    return 1;
}

int main(void) {
    tg_aot *rt;
    if (tg_aot_create(2, &rt)) {
        return 1;
    }
    float x[3] = {1, 2, 3}, y[3] = {0, 0, 0}, add[3] = {1, 1, 2};
    double wide[3] = {4, 5, 6}, z[3] = {0, 0, 0};
    int64_t n[] = {3};
    tg_aot_tensor tx = tg_aot_dense(TG_F32, 1, n, x), ty = tg_aot_dense(TG_F32, 1, n, y), ta = tg_aot_dense(TG_F32, 1, n, add);
    tg_aot_tensor tw = tg_aot_dense(TG_F64, 1, n, wide), tz = tg_aot_dense(TG_F64, 1, n, z), empty = ta;
    empty.strides[0] = INT64_MAX / 2;
    int failures = expect(with_launch(rt, &tx, &ta, &ty, 2, 3), TG_OK, rt, "") + expect(without_launch(rt, &tw, 0, &tz, 2, 4), TG_OK, rt, "");
    failures += y[2] < 12 || y[2] > 12 || z[2] < 13 || z[2] > 13;
    failures += expect(with_launch(rt, &tx, 0, &ty, 2, 3), TG_ERROR_INVALID_ARGUMENT, rt, "with: new is null, but compiled as given");
    failures += expect(without_launch(rt, &tw, &tw, &tz, 2, 4), TG_ERROR_INVALID_ARGUMENT, rt, "without: compiled for launches without new, which is given");
    failures += expect(without_launch(rt, &tw, 0, &tz, 2, 3), TG_ERROR_INVALID_ARGUMENT, rt, "without: compiled for class = 4, launched with 3");
    failures += expect(with_launch(rt, &tw, &tw, &tz, 2, 3), TG_ERROR_INVALID_ARGUMENT, rt, "with: compiled for T = f32, launched with f64");
    failures += expect(with_launch(rt, &tx, &empty, &ty, 2, 3), TG_ERROR_LAUNCH, rt, "L0905: the strides of new reach over");
    tg_aot_destroy(rt);
    puts(failures ? "failures" : "ok");
    return failures != 0;
}
