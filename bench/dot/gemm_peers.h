/* The libraries that bench_dot compares with. */
#ifndef TG_BENCH_GEMM_PEERS_H
#define TG_BENCH_GEMM_PEERS_H

#include <stdbool.h>

enum { GEMM_PEERS = 4 };

/* c = a·b; a m×k, b k×n, c m×n, f32, row-major. */
typedef struct gemm_case {
    int m, n, k;
    const float *a, *b;
    float *c;
} gemm_case;

void gemm_peers_open(int threads);
const char *gemm_peer_name(int peer);
/* False if the library is not there or has no kernel for the size; c is then as it was. */
bool gemm_peer_run(int peer, const gemm_case *c, int repeat);

#endif
