//! The calls over host slices, which [`Gpu`](crate::Gpu) and [`Engine`](crate::Engine) have in common.

/// Defines the calls for a type with `async fn run(self, &mut Job, CallMode)`, each in an async and a blocking form.
macro_rules! slice_calls {
    ($(#[$docs:meta])* $type:ident, $self:ident: $($receiver:tt)+) => {
        $(#[$docs])*
        impl $type {
            /// Writes the function of each element of `source` to the same place in `target`.
            ///
            /// # Errors
            ///
            /// As every call.
            pub async fn apply<T: Element>(
                $($receiver)+,
                f: HardSigmoid,
                source: &[T],
                target: &mut [T],
            ) -> Result<(), Error> {
                $self.run(&mut Job::apply(f, source, target)?, CallMode::Async).await.map(drop)
            }

            /// [`apply`](Self::apply), blocking.
            ///
            /// # Errors
            ///
            /// As every call.
            pub fn apply_blocking<T: Element>(
                $($receiver)+,
                f: HardSigmoid,
                source: &[T],
                target: &mut [T],
            ) -> Result<(), Error> {
                $self.run_blocking(Job::apply(f, source, target)?).map(drop)
            }

            /// Replaces each element of `data` by the function of it.
            ///
            /// # Errors
            ///
            /// As every call.
            pub async fn apply_in_place<T: Element>($($receiver)+, f: HardSigmoid, data: &mut [T]) -> Result<(), Error> {
                $self.run(&mut Job::apply_in_place(f, data), CallMode::Async).await.map(drop)
            }

            /// [`apply_in_place`](Self::apply_in_place), blocking.
            ///
            /// # Errors
            ///
            /// As every call.
            pub fn apply_in_place_blocking<T: Element>(
                $($receiver)+,
                f: HardSigmoid,
                data: &mut [T],
            ) -> Result<(), Error> {
                $self.run_blocking(Job::apply_in_place(f, data)).map(drop)
            }

            /// [`apply`](Self::apply), which also counts how many of the results are 0, 1, between them, and NaN.
            ///
            /// # Errors
            ///
            /// As every call. After an error there are no counts.
            pub async fn apply_with_saturation<T: Element>(
                $($receiver)+,
                f: HardSigmoid,
                source: &[T],
                target: &mut [T],
            ) -> Result<Saturation, Error> {
                $self.run(&mut Job::apply_with_saturation(f, source, target)?, CallMode::Async).await
            }

            /// [`apply_with_saturation`](Self::apply_with_saturation), blocking.
            ///
            /// # Errors
            ///
            /// As every call. After an error there are no counts.
            pub fn apply_with_saturation_blocking<T: Element>(
                $($receiver)+,
                f: HardSigmoid,
                source: &[T],
                target: &mut [T],
            ) -> Result<Saturation, Error> {
                $self.run_blocking(Job::apply_with_saturation(f, source, target)?)
            }

            /// Counts how many of the results for `source` are 0, 1, between them, and NaN, without writing them anywhere.
            ///
            /// # Errors
            ///
            /// As every call.
            pub async fn saturation<T: Element>(
                $($receiver)+,
                f: HardSigmoid,
                source: &[T],
            ) -> Result<Saturation, Error> {
                $self.run(&mut Job::saturation(f, source), CallMode::Async).await
            }

            /// [`saturation`](Self::saturation), blocking.
            ///
            /// # Errors
            ///
            /// As every call.
            pub fn saturation_blocking<T: Element>(
                $($receiver)+,
                f: HardSigmoid,
                source: &[T],
            ) -> Result<Saturation, Error> {
                $self.run_blocking(Job::saturation(f, source))
            }

            /// Writes the gradient with respect to x of each element to `grad_x`, from its gradient with respect to y in
            /// `grad_y` and from `saved`, which holds x or y, as `backward` says.
            ///
            /// # Errors
            ///
            /// As every call. They call `saved` the source, `grad_y` the gradient, and `grad_x` the target.
            pub async fn backward<T: Element>(
                $($receiver)+,
                backward: Backward,
                saved: &[T],
                grad_y: &[T],
                grad_x: &mut [T],
            ) -> Result<(), Error> {
                $self.run(&mut Job::backward(backward, saved, grad_y, grad_x)?, CallMode::Async).await.map(drop)
            }

            /// [`backward`](Self::backward), blocking.
            ///
            /// # Errors
            ///
            /// As `backward`.
            pub fn backward_blocking<T: Element>(
                $($receiver)+,
                backward: Backward,
                saved: &[T],
                grad_y: &[T],
                grad_x: &mut [T],
            ) -> Result<(), Error> {
                $self.run_blocking(Job::backward(backward, saved, grad_y, grad_x)?).map(drop)
            }

            /// [`backward`](Self::backward), in place: the gradient with respect to x replaces the one with respect to y in
            /// `grad`.
            ///
            /// # Errors
            ///
            /// As `backward`.
            pub async fn backward_in_place<T: Element>(
                $($receiver)+,
                backward: Backward,
                saved: &[T],
                grad: &mut [T],
            ) -> Result<(), Error> {
                $self.run(&mut Job::backward_in_place(backward, saved, grad)?, CallMode::Async).await.map(drop)
            }

            /// [`backward_in_place`](Self::backward_in_place), blocking.
            ///
            /// # Errors
            ///
            /// As `backward`.
            pub fn backward_in_place_blocking<T: Element>(
                $($receiver)+,
                backward: Backward,
                saved: &[T],
                grad: &mut [T],
            ) -> Result<(), Error> {
                $self.run_blocking(Job::backward_in_place(backward, saved, grad)?).map(drop)
            }

            fn run_blocking<T: Element>($($receiver)+, mut job: Job<'_, T>) -> Result<Saturation, Error> {
                pollster::block_on($self.run(&mut job, CallMode::Blocking))
            }
        }
    };
}
pub(crate) use slice_calls;
