/// Reductions, arg-reductions and cumulative operations over the last dimension, or down the columns. Another dimension is a permuted
/// view. Sums accumulate in wide(T).

kernel reduce_sum<T: num>(in T X[M, N], out wide(T) Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = sum(X[i, j], j);
    }
}
/// Y[n] = sum over m: the gradient of a bias
kernel reduce_columns<T: num>(in T X[M, N], out wide(T) Y[N])
{
    grid (j in N) {
        wide(T) y[j] = 0;
        for (i in M) y += sum(X[i, j], i);
        Y[j] = y;
    }
}
kernel reduce_mean<T: float>(in T X[M, N], out T Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = T(mean(widen(X[i, j]), j));
    }
}
kernel reduce_prod<T: integer | float>(in T X[M, N], out wide(T) Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = prod(X[i, j], j);
    }
}
/// NaN wins.
kernel reduce_max<T: integer | float>(in T X[M, N], out T Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = max(X[i, j], j);
    }
}
kernel reduce_min<T: integer | float>(in T X[M, N], out T Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = min(X[i, j], j);
    }
}
/// Sum of squared differences from the mean, divided by N - correction: 0 of the population, 1 unbiased
kernel reduce_variance<T: float>(in T X[M, N], out T Y[M], f32 correction = 0)
{
    grid (i in M) {
        axis j in N;
        let x = widen(X[i, j]), d = x - mean(x, j);
        Y[i] = T(sum(d * d, j) / (wide(T)(N) - correction));
    }
}

/// Index of the largest; the least one on ties, NaN counts as largest, -1 if there is none
kernel arg_max<T: integer | float>(in T X[M, N], out i64 Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = argmax(X[i, j], j);
    }
}
kernel arg_min<T: integer | float>(in T X[M, N], out i64 Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = argmin(X[i, j], j);
    }
}

kernel running_sum<T: num>(in T X[M, N], out T Y[M, N])
{
    grid (i in M) {
        axis j in N;
        Y[i, j] = T(cumsum(widen(X[i, j]), j));
    }
}
kernel running_prod<T: integer | float>(in T X[M, N], out T Y[M, N])
{
    grid (i in M) {
        axis j in N;
        Y[i, j] = T(cumprod(widen(X[i, j]), j));
    }
}
kernel running_max<T: integer | float>(in T X[M, N], out T Y[M, N])
{
    grid (i in M) {
        axis j in N;
        Y[i, j] = cummax(X[i, j], j);
    }
}
