/// One layer of a network: Y = max(X @ W + bias, 0)
kernel layer<T: float>(in T X[M, K], in T W[K, N], in T bias[N], out T Y[M, N])
{
    grid (m in M, n in N) {
        wide(T) acc[m, n] = 0;
        for (k in K) acc += dot(X[m, k], W[k, n], k);
        Y[m, n] = T(max(acc + bias[n], 0));
    }
}

// What is worth trying. Without this item the tuner makes up a space of its own.
tune layer {
    m in {24, 48, 96};
    n in {64, 128, 256};
    k in {64, 256};
    require m * n <= 16384;
    bucket M any;  // results serve every batch size
}
