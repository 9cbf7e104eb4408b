import "std/fft": dft, cmul;

/// By the definition: N products for each of the N outputs.
kernel dft_rows(in c32 X[B, N], out c32 Y[B, N])
{
    grid (each b in B) {
        axis n in N;
        Y[b, n] = dft(X[b, n], n);
    }
}

/// Two transforms of length m, interleaved s apart, become one of length 2 m; for s pairs side by side.
private fn pass(c32 x[n], axis n, const int m, const int s) -> c32[n]
{
    axis p in m, q in s;
    let even = x[n = q + s * (2 * p)], odd = cmul(x[n = q + s * (2 * p + 1)], cispi(-f32(p) / f32(m)));
    c32 y[n] = complex(0.0, 0.0);
    y[n = q + s * p] = even + odd;
    y[n = q + s * (p + m)] = even - odd;
    return y;
}

/// log2(N) passes of N / 2 butterflies.
kernel fft_rows(in c32 X[B, const N], out c32 Y[B, const N])
    where is_pow2(N)
{
    grid (each b in B) {
        axis n in N;
        c32 y[n] = X[b, n];
        unroll for (int s = N / 2; s > 0; s /= 2) y = pass(y, n, N / (2 * s), s);
        Y[b, n] = y;
    }
}

/// Spectra of rows times the spectrum of a filter, in place.
kernel multiply(inout c32 Y[B, K], in c32 F[K])
{
    grid (b in B, k in K) Y[b, k] = cmul(Y[b, k], F[k]);
}
