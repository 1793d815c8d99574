/** Style sheets go into main.css; importing one gives nothing. */
declare module '*.css'
