/* See jit_fixture.h. Used by Criterion programs and plain ones: a failure ends the process. */
#define _GNU_SOURCE
#include "jit_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char jit_source[] =
    "kernel axpy<T: float>(in T X[N], inout T Y[N], f32 alpha = 2.0)\n"
    "{\n    grid (i in N) Y[i] = T(f32(Y[i]) + alpha * f32(X[i]));\n}\n"
    "kernel gemm<T: float>(in T A[M, K], in T B[K, N], out T C[M, N])\n"
    "{\n    grid (m in M, n in N) {\n        wide(T) acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[k, n], k);\n        C[m, n] = T(acc);\n    "
    "}\n}\n"
    "kernel scale(in f32 X[N], in? f32 bias[N], out f32 Y[N], const int k)\n"
    "{\n    grid (i in N) {\n        f32 y[i] = X[i] * f32(k);\n        if (bias) y += "
    "bias[i];\n"
    "        Y[i] = y;\n    }\n}\n"
    "kernel gather(in f32 X[V], in i32 ids[N], out f32 Y[N])\n    where ids < V\n"
    "{\n    grid (i in N) Y[i] = X[ids[i]];\n}\n"
    "kernel total(in f32 X[N], out f32 S[1] = 0)\n"
    "{\n    grid (i in N) {\n        axis z in 1;\n        atomic S[z] += sum(X[i], i);\n    "
    "}\n}\n"
    "kernel speak(in f32 X[N])\n{\n    grid (each i in N) print(\"{} \", i);\n}\n"
    "kernel fails(in f32 X[N], out f32 Y[N])\n"
    "{\n    grid (i in N) {\n        assert(X[i] > 0, \"X must be positive\");\n        Y[i] = "
    "X[i];\n    }\n}\n";

static void collect(void *user, const char *text, size_t n) {
    (void)user;
    fwrite(text, 1, n, stderr);
}

tg_context *jit_context(const char *dir, int checked, int deterministic) {
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = dir ? dir : "";
    o.n_threads = 2;
    o.checked = checked;
    o.deterministic = deterministic;
    o.print = collect;
    tg_context *c;
    if (tg_context_create(&o, &c)) {
        fprintf(stderr, "context: %s\n", tg_last_error(NULL));
        exit(1);
    }
    return c;
}

tg_module *jit_module(tg_context *c) {
    tg_module *m;
    if (tg_module_load_text(c, "jit.dsl", jit_source, strlen(jit_source), &m)) {
        fprintf(stderr, "module: %s\n", tg_last_error(c));
        exit(1);
    }
    return m;
}

tg_tensor *jit_tensor_f32(tg_context *c, int64_t n, float first, float step) {
    tg_tensor *t = tg_tensor_create(c, TG_F32, 1, &n);
    float *p = tg_tensor_data(t);
    for (int64_t i = 0; i < n; i++) {
        p[i] = first + step * (float)i;
    }
    return t;
}
