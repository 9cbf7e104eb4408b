/* The inner product of `dot`: C[m][n] = sum over k of A[m][k] * B[k][n] in f64, in ascending k. B is packed into panels of 8 columns so
 * that a tile of 4 rows and 8 columns stays in registers. With `single`, every partial sum is rounded to f32 (the product is exact in f64
 * when A and B hold f32 values; the sum is rounded to f64 first, which moves ties only beyond the 53rd bit). */
#include "dsl/interp/internal.h"

enum { ROWS = 4, COLS = 8 };

typedef double v4d __attribute__((vector_size(32), aligned(8), may_alias));
typedef float v4f __attribute__((vector_size(16)));

int64_t gemm_panel(int64_t n, int64_t k) {
    return (n + COLS - 1) / COLS * COLS * k;
}

static void pack(int64_t n, int64_t k, const double *b, double *panel) {
    for (int64_t j = 0; j < n; j += COLS) {
        int64_t width = n - j < COLS ? n - j : COLS;
        for (int64_t p = 0; p < k; p++) {
            for (int64_t q = 0; q < COLS; q++) {
                *panel++ = q < width ? b[p * n + j + q] : 0;
            }
        }
    }
}

/* acc[ROWS][COLS] over one panel; rows beyond m repeat the last one. */
#define TILE(name, STEP)                                                                       \
    WIDE static void name(int64_t k, const double *const a[ROWS], const double *panel,         \
                          double *acc) {                                                       \
        v4d s[ROWS][2] = {{{0}}};                                                              \
        for (int64_t p = 0; p < k; p++, panel += COLS) {                                       \
            v4d b0 = *(const v4d *)(const void *)panel,                                        \
                b1 = *(const v4d *)(const void *)(panel + 4);                                  \
            for (int r = 0; r < ROWS; r++) {                                                   \
                double x = a[r][p];                                                            \
                v4d y = {x, x, x, x};                                                          \
                s[r][0] = STEP(s[r][0] + y * b0);                                              \
                s[r][1] = STEP(s[r][1] + y * b1);                                              \
            }                                                                                  \
        }                                                                                      \
        memcpy(acc, s, sizeof s);                                                              \
    }
#define KEEP(x)   (x)
#define SINGLE(x) __builtin_convertvector(__builtin_convertvector((x), v4f), v4d)
TILE(tile_f64, KEEP)
TILE(tile_f32, SINGLE)

void gemm_f64(int64_t m, int64_t n, int64_t k, const double *a, const double *b, double *c,
              double *panel, bool single) {
    pack(n, k, b, panel);
    for (int64_t j = 0; j < n; j += COLS, panel += COLS * k) {
        int64_t width = n - j < COLS ? n - j : COLS;
        for (int64_t i = 0; i < m; i += ROWS) {
            int64_t height = m - i < ROWS ? m - i : ROWS;
            const double *rows[ROWS];
            double acc[ROWS * COLS];
            for (int r = 0; r < ROWS; r++) {
                rows[r] = a + (i + (r < height ? r : height - 1)) * k;
            }
            (single ? tile_f32 : tile_f64)(k, rows, panel, acc);
            for (int64_t r = 0; r < height; r++) {
                memcpy(c + (i + r) * n + j, acc + r * COLS, (size_t)width * sizeof *c);
            }
        }
    }
}
