import keras
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score

X, y = load_digits(return_X_y=True)
X = X.astype("float32") / 16
X_train, X_test, y_train, y_test = X[:1400], X[1400:], y[:1400], y[1400:]
model = keras.Sequential(
    [keras.layers.Input((64,)), keras.layers.Dense(32, activation="relu"), keras.layers.Dense(10, activation="softmax")]
)
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(
    X_train,
    y_train,
    epochs=4,
    validation_split=0.2,
    batch_size=64,
    verbose=0,
    callbacks=[
        keras.callbacks.EarlyStopping(patience=2),
        keras.callbacks.LearningRateScheduler(lambda e: 0.01 * 0.5**e),
    ],
)
model.evaluate(X_test, y_test, verbose=0)
print(f1_score(y_test, model.predict(X_test, verbose=0).argmax(1), average="macro"))
