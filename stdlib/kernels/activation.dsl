/// Activations of any kind in std/activate, element by element, and their gradients.
import "std/activate": activate, activate_slope;

/// Y = f(X)
kernel activation<T: float>(in T X[M, N], out T Y[M, N], const int kind, f32 alpha = 1)
{
    grid (m in M, n in N) {
        let x = widen(X[m, n]);
        Y[m, n] = T(activate(x, kind, wide(T)(alpha)));
    }
}

/// dX = dY f'(X)
kernel activation_bwd<T: float>(in T X[M, N], in T dY[M, N], out T dX[M, N], const int kind, f32 alpha = 1)
{
    grid (m in M, n in N) {
        let x = widen(X[m, n]);
        dX[m, n] = T(widen(dY[m, n]) * activate_slope(x, kind, wide(T)(alpha)));
    }
}
grad activation = activation_bwd;

/// Y = f(A) B: gated units (SwiGLU, GeGLU)
kernel gated<T: float>(in T A[M, N], in T B[M, N], out T Y[M, N], const int kind)
{
    grid (m in M, n in N) {
        let a = widen(A[m, n]);
        Y[m, n] = T(activate(a, kind, wide(T)(1)) * widen(B[m, n]));
    }
}

kernel gated_bwd<T: float>(in T A[M, N], in T B[M, N], in T dY[M, N], out T dA[M, N], out T dB[M, N], const int kind)
{
    grid (m in M, n in N) {
        let a = widen(A[m, n]), dy = widen(dY[m, n]);
        dA[m, n] = T(dy * widen(B[m, n]) * activate_slope(a, kind, wide(T)(1)));
        dB[m, n] = T(dy * activate(a, kind, wide(T)(1)));
    }
}
grad gated = gated_bwd;
