/* References: kernels/data.dsl. See ref.h. */
#include "stdlib/ref/ref.h"

#include <math.h>

/* Truncation to integers (the data fit); rounding to narrower floats is part of the bound. */
void ref_copy(kcase *c) {
    bool is_int = isfinite(klimit(c, "Y", true));
    for (int64_t i = 0; i < kn(c, "X"); i++) {
        kt(c, "Y")[i] = is_int ? trunc(kt(c, "X")[i]) : kt(c, "X")[i];
    }
}

void ref_fill(kcase *c) {
    for (int64_t i = 0; i < kn(c, "Y"); i++) {
        kt(c, "Y")[i] = knumber(c, "value");
    }
}

void ref_transpose(kcase *c) {
    int64_t m = kd(c, "M"), n = kd(c, "N"), w = kwidth(c, "X");
    for (int64_t at = 0; at < kn(c, "X") * w; at++) {
        int64_t part = at % w, j = at / w % n, i = at / w / n % m, p = at / w / n / m;
        kt(c, "Y")[((p * n + j) * m + i) * w + part] = kt(c, "X")[at];
    }
}

/* `count` rows of a elements and of b. */
static void join_rows(kcase *c, int64_t count, int64_t a, int64_t b) {
    for (int64_t p = 0; p < count; p++) {
        for (int64_t i = 0; i < a + b; i++) {
            kt(c, "C")[p * (a + b) + i] =
                i < a ? kt(c, "A")[p * a + i] : kt(c, "B")[p * b + i - a];
        }
    }
}

void ref_concat(kcase *c) {
    int64_t n = kd(c, "N") * kwidth(c, "C");
    join_rows(c, kd_or(c, "P", 1), kd(c, "M") * n, kd(c, "K") * n);
}

void ref_concat_rows(kcase *c) {
    int64_t w = kwidth(c, "C");
    join_rows(c, kd(c, "M"), kd(c, "N") * w, kd(c, "K") * w);
}

void ref_pad(kcase *c) {
    int64_t m = kd(c, "M"), n = kd(c, "N"), u = kd(c, kname(c, "U", "P")), v = kd(c, kname(c, "V", "Q"));
    for (int64_t at = 0; at < kn(c, "Y"); at++) {
        int64_t i = at / v % u - kd(c, "top"), j = at % v - kd(c, "left");
        bool inside = i >= 0 && i < m && j >= 0 && j < n;
        kt(c, "Y")[at] =
            inside ? kt(c, "X")[(at / v / u * m + i) * n + j] : knumber(c, kname(c, "value", "fill"));
    }
}

void ref_gather(kcase *c) {
    int64_t k = kd(c, "K"), n = kd(c, "N"), w = kwidth(c, "X");
    for (int64_t at = 0; at < kn(c, "Y") * w; at++) {
        double from = kt(c, "I")[at / w];
        bool inside = from >= 0 && from < (double)k;
        kt(c, "Y")[at] = inside ? kt(c, "X")[(at / w / n * k + (int64_t)from) * w + at % w] : 0;
    }
}

void ref_scatter_add(kcase *c) {
    int64_t k = kd(c, "K"), n = kd(c, "N");
    for (int64_t at = 0; at < kn(c, "X"); at++) {
        double to = kt(c, "I")[at];
        if (to >= 0 && to < (double)k) {
            kt(c, "Y")[at / n * k + (int64_t)to] += kt(c, "X")[at];
        }
    }
}

void ref_scatter_rows(kcase *c) {
    int64_t d = kd(c, "D") * kwidth(c, "X");
    for (int64_t at = 0; at < kd(c, "N") * d; at++) {
        double to = kt(c, "perm")[at / d];
        if (to >= 0 && to < (double)kd(c, "V")) {
            kt(c, "Y")[(int64_t)to * d + at % d] = kt(c, "X")[at];
        }
    }
}

void ref_uniform(kcase *c) {
    double low = kf(c, "low"), high = kf(c, "high");
    for (int64_t i = 0; i < kn(c, "Y"); i++) {
        kt(c, "Y")[i] = low + (high - low) * kphilox((uint64_t)kd(c, "seed"), (uint64_t)i);
    }
}

/* Box and Muller from the first two numbers: the radius from one in (0, 1]. */
void ref_normal(kcase *c) {
    for (int64_t i = 0; i < kn(c, "Y"); i++) {
        uint32_t words[4];
        kphilox_words((uint64_t)kd(c, "seed"), (uint64_t)i, words);
        double u = ((words[0] >> 8) + 1) * 0x1p-24, angle = (words[1] >> 8) * 0x1p-24;
        kt(c, "Y")[i] = kf(c, "mean") + kf(c, "deviation") * sqrt(-2 * log(u)) *
                                            cos(6.283185307179586477 * angle);
    }
}
